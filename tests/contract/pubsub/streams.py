"""A StreamingPull stream spoken by hand, for what the official client never does."""

import queue
import threading

import grpc

from emulators.pubsub import protos

METHOD = "/google.pubsub.v1.Subscriber/StreamingPull"


class RawStream:
    """An open stream; a thread of its own collects what comes."""

    def __init__(self, channel, **first):
        call = channel.stream_stream(
            METHOD,
            request_serializer=protos.StreamingPullRequest.SerializeToString,
            response_deserializer=protos.StreamingPullResponse.FromString,
        )
        self.responses = []
        self.error = None  # once it has ended
        self._ended = False
        self._changed = threading.Condition()
        self._requests = queue.SimpleQueue()
        if first:
            self.say(**first)
        self._call = call(iter(self._requests.get, None))
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def say(self, **fields):
        """Send a request."""
        self._requests.put(protos.StreamingPullRequest(**fields))

    def finish(self):
        """Say that no request will follow."""
        self._requests.put(None)

    def cancel(self):
        """Break it off."""
        self._call.cancel()
        self.finish()
        self._thread.join(10)

    def received(self):
        """Return all messages that have come."""
        return [one for response in self.responses for one in response.received_messages]

    def until(self, condition, limit_seconds=10):
        """Return once `condition(self)` holds."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), limit_seconds), self.responses

    def messages(self, count):
        """Return the messages once there are `count` of them, with those who came before."""
        self.until(lambda stream: len(stream.received()) >= count)
        return self.received()

    def end(self, limit_seconds=10):
        """Return the status code that it has ended with, "OK" if the server closed it."""
        self.until(lambda stream: stream._ended, limit_seconds)
        return self.error.code().name if self.error else "OK"

    def _collect(self):
        try:
            for response in self._call:
                self._tell(self.responses.append, response)
        except grpc.RpcError as error:
            self.error = error
        self._tell(setattr, self, "_ended", True)

    def _tell(self, change, *arguments):
        with self._changed:
            change(*arguments)
            self._changed.notify_all()
