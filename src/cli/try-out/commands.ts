/** src/cli/try-out: `demo`, `simulate`. */
import { defineCommand, flag, text, withDefault } from '../command/define-command.ts';
import { simulateParameters } from './parameters.ts';

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
  parameters: simulateParameters,
  run: async (context, { part, ...options }) =>
    part === null
      ? (await import('./simulate.ts')).simulateCommand(context, options)
      : (await import('./simulate-processes.ts')).simulatePart(options.dir, part),
});
