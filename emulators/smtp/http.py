"""The inbox over HTTP. Translates and nothing else."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulators.smtp.inbox import Inbox


def app_for(inbox: Inbox) -> Starlette:
    """The application: `GET /messages`, `GET /messages/{id}`, `DELETE /messages`, `GET /health`."""

    async def list_messages(_: Request) -> Response:
        return JSONResponse([mail.summary() for mail in inbox.newest_first()])

    async def get_message(request: Request) -> Response:
        mail_id = request.path_params["mail_id"]
        mail = inbox.get(mail_id)
        if mail is None:
            return JSONResponse({"error": f"there is no message {mail_id!r}"}, status_code=404)
        return JSONResponse(mail.whole())

    async def delete_messages(_: Request) -> Response:
        inbox.clear()
        return Response(status_code=204)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/messages", list_messages, methods=["GET"]),
            Route("/messages", delete_messages, methods=["DELETE"]),
            Route("/messages/{mail_id}", get_message, methods=["GET"]),
            Route("/health", health, methods=["GET"]),
        ]
    )
