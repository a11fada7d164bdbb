import { DeadlineExceeded, withDeadline } from '../../expression/deadline.ts';
import { isObject } from '../../json/json.ts';
import { type ValueCheckOptions, checkValue, type ValueCheck } from './check-value.ts';

/** Rules times values that are checked without a deadline, which costs more than most checks. */
const QUICK = 100_000;

/** Checks with a deadline: a pattern can take for ever on a hostile text, and then the value does not pass. */
export function checkInTime(
  schema: unknown,
  value: unknown,
  options: ValueCheckOptions & { readonly ms: number },
): ValueCheck {
  if (rulesIn(schema) * valuesIn(value) <= QUICK) return checkValue(schema, value, options);
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

/** The number of rules for one value; infinite for patterns, references, and lists of objects to compare with. */
function rulesIn(schema: unknown): number {
  if (!isObject(schema)) return Array.isArray(schema) ? sum(schema, rulesIn) : 1;
  const { pattern, $ref: reference, enum: choices } = schema;
  if (typeof pattern === 'string' || typeof reference === 'string') return Infinity;
  if (Array.isArray(choices) && choices.some((one) => typeof one === 'object' && one !== null))
    return Infinity;
  return sum(Object.values(schema), rulesIn);
}

function valuesIn(value: unknown): number {
  return typeof value === 'object' && value !== null ? sum(Object.values(value), valuesIn) : 1;
}

function sum(parts: readonly unknown[], count: (part: unknown) => number): number {
  let total = 1;
  for (const part of parts) {
    total += count(part);
    if (total > QUICK) return Infinity;
  }
  return total;
}
