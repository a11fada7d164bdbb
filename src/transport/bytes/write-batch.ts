/**
 * Writes to many connections: all of one turn together, at its end.
 *
 * A write to a peer that sleeps wakes it, which costs more than all the rest of a small message, and a peer that wakes
 * up to one message goes back to sleep before the next. Written one right after the other they find it awake.
 */
let waiting: (() => void)[] = [];

/**
 * Runs the task when what has come in together with its cause is dealt with.
 *
 * @param alone nothing else is under way that it could leave with: it leaves at once.
 */
export function batchWrite(task: () => void, alone = false): void {
  if (alone && waiting.length === 0) task();
  else if (waiting.push(task) === 1) setImmediate(depart);
}

function depart(): void {
  const tasks = waiting;
  waiting = [];
  for (const task of tasks) task();
}
