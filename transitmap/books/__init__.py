"""The books: the ledger and its prizes in one file that anybody can check without the database."""
