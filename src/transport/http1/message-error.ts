/** Bytes that are no HTTP message, or that could be read as two different ones. The connection is of no more use. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
  readonly code = 'NOT_HTTP';
  /** The status that a server answers with. */
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}
