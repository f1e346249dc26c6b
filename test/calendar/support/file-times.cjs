// Loaded before a program of Node that uses the clock of a calendar. The kernel stamps files by the real clock. This
// file moves the times of what was written since the calendar began to the calendar's time at which it was written.
// Times that a program or a test has set are years later, and stay. CALENDAR_TIMES names a file with a line for each
// setting: the real time, and the offset from then on.
'use strict';
const fs = require('node:fs');

// No setting changes while a program runs.
const settings = fs
  .readFileSync(process.env.CALENDAR_TIMES, 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split(' ').map(Number));
const beginMs = settings[0][0];
// A day is longer than any program of a calendar runs.
const endMs = settings.at(-1)[0] + 86_400_000;

function mapped(realMs) {
  if (!(realMs >= beginMs && realMs < endMs)) return realMs;
  const [, offsetMs] = settings.findLast(([sinceMs]) => sinceMs <= realMs);
  return realMs + offsetMs;
}

function withTimes(stats) {
  if (stats === undefined || typeof stats.mtimeMs !== 'number') return stats;
  for (const name of ['atime', 'mtime', 'ctime', 'birthtime']) {
    const ms = mapped(stats[`${name}Ms`]);
    if (ms === stats[`${name}Ms`]) continue;
    stats[`${name}Ms`] = ms;
    stats[name] = new Date(ms);
  }
  return stats;
}

for (const name of ['stat', 'lstat', 'fstat']) {
  const sync = fs[`${name}Sync`];
  fs[`${name}Sync`] = (...given) => withTimes(sync(...given));
  const later = fs[name];
  fs[name] = (...given) => {
    const done = given.pop();
    later(...given, (error, stats) => done(error, withTimes(stats)));
  };
}
for (const name of ['stat', 'lstat']) {
  const later = fs.promises[name];
  fs.promises[name] = async (...given) => withTimes(await later(...given));
}
const { open } = fs.promises;
fs.promises.open = async (...given) => {
  const handle = await open(...given);
  const { stat } = handle;
  handle.stat = async (...options) => withTimes(await stat.apply(handle, options));
  return handle;
};
