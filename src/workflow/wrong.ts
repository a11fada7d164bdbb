import { INVALID_PARAMS, RpcError } from '../core/errors.ts';

/** A request that is wrong in itself. */
export function wrong(message: string): RpcError {
  return RpcError.of(INVALID_PARAMS, message);
}
