// Loaded into the proxy before anything else: tells on SIGUSR2 what it holds.
const { setTimeout: set, clearTimeout: clear } = globalThis;
/** Timers that are set; Node itself counts only those that keep the process alive. */
const timers = new Set();

globalThis.setTimeout = Object.assign((task, ms, ...args) => {
  const timer = set(
    (...given) => {
      timers.delete(timer);
      task(...given);
    },
    ms,
    ...args,
  );
  timers.add(timer);
  return timer;
}, set);
globalThis.clearTimeout = (timer) => {
  timers.delete(timer);
  clear(timer);
};

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  process.stderr.write(`${JSON.stringify({ soak: { heap: heapUsed, rss, timers: timers.size } })}\n`);
});
