import { DeadlineExceeded, withDeadline } from '../../expression/deadline.ts';
import { type CheckOptions, checkValue, type ValueCheck } from './check-value.ts';

/** A pattern of a schema may take for ever on a text that was made for it: then the value does not pass. */
export function checkInTime(
  schema: unknown,
  value: unknown,
  options: CheckOptions & { readonly ms: number },
): ValueCheck {
  try {
    return withDeadline(options.ms, () => checkValue(schema, value, options));
  } catch (error) {
    if (!(error instanceof DeadlineExceeded)) throw error;
    return {
      value,
      problems: [{ path: options.path, message: `checking it against its schema ${error.message}` }],
    };
  }
}
