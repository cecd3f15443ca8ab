"""The real processes under load while they are killed, frozen and cut off; then three ledgers are
compared: what clients were told, the rows, and the file that the handlers wrote."""
