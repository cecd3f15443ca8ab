"""Entry point: one dead letter in; whether its task works again is the ledger's to decide."""

from functions.dead_letter.endpoint import DeadLetterEndpoint
from shared.bootstrap import burial
from shared.edges.guarded_function import guarded_function

dead_letter = guarded_function("dead_letter", lambda: DeadLetterEndpoint(burial()))
