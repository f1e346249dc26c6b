import { choice, defineCommand, flag, text, wholeNumber, withDefault } from '../command/define-command.ts';

export const demo = defineCommand({
  name: 'demo',
  help: 'the whole thing on this machine, in a folder to play on with',
  example: 'fleet-health demo --dir my-demo',
  parameters: {
    dir: withDefault(text('--dir <folder>', 'the folder to use'), 'fleet-health-demo'),
    serve: flag('--serve', 'keep the SSH servers of an earlier demo running, until Ctrl-C'),
  },
  run: async (context, options) => (await import('./demo.ts')).demoCommand(context, options),
});

/** docs/simulator.md describes the values. */
export const simulate = defineCommand({
  name: 'simulate',
  help: 'a fleet of SSH servers on loopback, to size a server with and to rehearse storms',
  example: 'fleet-health simulate --clients 10000 --profile storm --for 2h',
  parameters: {
    dir: withDefault(text('--dir <folder>', 'the folder to use'), 'fleet-health-simulation'),
    clients: wholeNumber('--clients <n>', 'how many (default: 1000)', 1, 100_000),
    profile: choice('--profile <name>', 'what is wrong with them (default: clean)', [
      'clean',
      'slow',
      'lossy',
      'storm',
    ]),
    seed: wholeNumber('--seed <n>', 'the same number makes the same fleet (default: any)', 0, 999_999_999),
    every: text('--every <duration>', 'how often you collect; storms are measured by it (default: 5m)'),
    for: text('--for <duration>', 'end by itself (default: run until Ctrl-C)'),
    part: {
      ...text('--part <range>', 'serve these of an earlier plan, for the process that began it'),
      isHidden: true,
    },
  },
  run: async (context, { part, ...options }) =>
    part === null
      ? (await import('./simulate.ts')).simulateCommand(context, options)
      : (await import('./simulate-processes.ts')).simulatePart(options.dir, part),
});
