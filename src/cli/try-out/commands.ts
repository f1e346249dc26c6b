import { choice, defineCommand, flag, text, wholeNumber, withDefault } from '../command/define-command.ts';

export const demo = defineCommand({
  name: 'demo',
  help: 'try everything on this machine, in a folder of its own',
  example: 'fleet-health demo --dir my-demo',
  parameters: {
    dir: withDefault(text('--dir <folder>', 'the folder'), 'fleet-health-demo'),
    serve: flag('--serve', 'run the SSH servers of an earlier demo again, until Ctrl-C'),
  },
  run: async (context, options) => (await import('./demo.ts')).demoCommand(context, options),
});

/** docs/simulator.md describes the values. */
export const simulate = defineCommand({
  name: 'simulate',
  help: 'simulate a fleet by SSH servers on loopback, for sizing and to rehearse storms',
  example: 'fleet-health simulate --clients 10000 --profile storm --for 2h',
  parameters: {
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
  },
  run: async (context, { part, ...options }) =>
    part === null
      ? (await import('./simulate.ts')).simulateCommand(context, options)
      : (await import('./simulate-processes.ts')).simulatePart(options.dir, part),
});
