/** The most that a head may have, and the trailers behind the last chunk. */
export const MAX_HEAD_BYTES: number = 16 * 1024;
/** Header fields of a request. */
export const MAX_FIELDS = 256;
