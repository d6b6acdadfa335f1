"""What live phones send, a small file an app: `hear` reads a message, `answer` is what the app waits for."""
