import { choice, text, wholeNumber, withDefault } from '../command/define-command.ts';

export const simulateParameters = {
  dir: withDefault(text('--dir <folder>', 'the folder'), 'fleet-health-simulation'),
  clients: wholeNumber('--clients <n>', 'the number of clients (default: 1000)', 1, 100_000),
  profile: choice('--profile <name>', 'the faults of the clients (default: clean)', [
    'clean',
    'slow',
    'lossy',
    'storm',
  ]),
  seed: wholeNumber('--seed <n>', 'the number that decides the fleet (default: random)', 0, 999_999_999),
  every: text('--every <duration>', 'the interval of collect, by which storms are timed (default: 5m)'),
  for: text('--for <duration>', 'the time after which it ends (default: at Ctrl-C)'),
  part: {
    ...text('--part <range>', 'the clients of an earlier plan, for the process that began it'),
    isHidden: true,
  },
} as const;
