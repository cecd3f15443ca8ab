// One pass through Pub/Sub with the unmodified Node client. Prints one JSON object; fails loudly.
// Usage: PUBSUB_EMULATOR_HOST=… NODE_PATH=… node node_client.cjs project

const { PubSub, SchemaTypes, Encodings } = require("@google-cloud/pubsub");

const pubsub = new PubSub({ projectId: process.argv[2] });
const LIMIT_MS = 20_000;
const AVRO = JSON.stringify({
  type: "record",
  name: "Letter",
  fields: [{ name: "to", type: "string" }],
});

/** Resolve with the first `count` values that `listen` gives to its callback. */
function collect(what, count, listen) {
  return new Promise((resolve, reject) => {
    const found = [];
    const timer = setTimeout(
      () => reject(new Error(`${what}: ${found.length} of ${count} came`)),
      LIMIT_MS,
    );
    listen((value) => {
      if (found.push(value) === count) {
        clearTimeout(timer);
        resolve(found);
      }
    }, reject);
  });
}

/** Receive `count` messages, each given to `settle`; close the subscription; return them. */
async function receive(subscription, count, settle) {
  const messages = await collect(subscription.name, count, (push, reject) => {
    subscription.on("error", reject);
    subscription.on("message", async (message) => {
      try {
        await settle(message);
        push(message);
      } catch (error) {
        reject(error);
      }
    });
  });
  await subscription.close();
  return messages;
}

const texts = (messages) => messages.map((message) => message.data.toString());
const ack = (message) => message.ack();

async function plain(topic) {
  const [subscription] = await topic.createSubscription("plain");
  const id = await topic.publishMessage({ data: Buffer.from("hello"), attributes: { a: "b" } });
  const [message] = await receive(subscription, 1, ack);
  return {
    sameId: message.id === id,
    data: message.data.toString(),
    attributes: message.attributes,
  };
}

async function nacked(topic) {
  const [subscription] = await topic.createSubscription("nacked");
  await topic.publishMessage({ data: Buffer.from("twice") });
  let seen = 0;
  return texts(await receive(subscription, 2, (m) => (seen++ === 0 ? m.nack() : m.ack())));
}

async function ordered(topic) {
  const options = { enableMessageOrdering: true };
  const [subscription] = await topic.createSubscription("ordered", options);
  const publisher = pubsub.topic(topic.name, { messageOrdering: true });
  const numbers = [...Array(50).keys()];
  await Promise.all(
    numbers.map((n) => publisher.publishMessage({ data: Buffer.from(`${n}`), orderingKey: "k" })),
  );
  return texts(await receive(subscription, numbers.length, ack)).join() === numbers.join();
}

async function exactlyOnce(topic) {
  const options = { enableExactlyOnceDelivery: true };
  const [subscription] = await topic.createSubscription("exactly-once", options);
  await topic.publishMessage({ data: Buffer.from("once") });
  const answers = [];
  await receive(subscription, 1, async (m) => answers.push(await m.ackWithResponse()));
  return answers;
}

async function snapshot(topic) {
  const [subscription] = await topic.createSubscription("snapped");
  await subscription.createSnapshot("moment");
  await topic.publishMessage({ data: Buffer.from("again") });
  const first = texts(await receive(subscription, 1, ack));
  const again = topic.subscription("snapped");
  await again.seek("moment");
  return [...first, ...texts(await receive(again, 1, ack))];
}

async function schema() {
  const made = await pubsub.createSchema("letter", SchemaTypes.Avro, AVRO);
  const [topic] = await pubsub.createTopic({
    name: "with-schema",
    schemaSettings: { schema: await made.getName(), encoding: Encodings.Json },
  });
  await topic.publishMessage({ data: Buffer.from('{"to": "you"}') });
  const refused = await topic.publishMessage({ data: Buffer.from("nonsense") }).then(
    () => null,
    (error) => error.code,
  );
  return { definition: (await made.get()).definition === AVRO, refused };
}

async function detached(topic) {
  const [subscription] = await topic.createSubscription("detached");
  await pubsub.detachSubscription("detached");
  return (await subscription.detached()) && (await subscription.getMetadata())[0].detached;
}

async function main() {
  const [topic] = await pubsub.createTopic("letters");
  const parts = { plain, nacked, ordered, exactlyOnce, snapshot, schema, detached };
  const report = {};
  for (const [name, part] of Object.entries(parts)) {
    report[name] = await part(topic);
  }
  const [subscriptions] = await pubsub.getSubscriptions();
  report.subscriptions = subscriptions.length;
  await pubsub.close();
  console.log(JSON.stringify(report));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
  return pubsub.close();
});
