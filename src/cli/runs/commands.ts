import { defineCommand } from '../command/define-command.ts';
import { collectParameters } from './parameters.ts';

export const collect = defineCommand({
  name: 'collect',
  help: 'visit the clients once, and store their reports',
  example: 'fleet-health collect --group web --retry 1',
  parameters: collectParameters,
  run: async (context, { every, ...options }) => {
    const { collectCommand } = await import('./collect.ts');
    if (every === null) return await collectCommand(context, options);
    return await (await import('./repeat-runs.ts')).repeatRuns(context, every, (own) => collectCommand(own, options));
  },
});
