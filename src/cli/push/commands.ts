import { defineCommand, text } from '../command/define-command.ts';
import { enrollParameters } from './parameters.ts';

export const enroll = defineCommand({
  name: 'enroll',
  help: 'print agent.json of a client that pushes or answers over HTTP, or the key of a site',
  example: 'fleet-health enroll web-1 --ssh fleet@collector.example.org',
  parameters: enrollParameters,
  run: async (context, options) => (await import('./enroll.ts')).enrollCommand(context, options),
});

export const receive = defineCommand({
  name: 'receive',
  help: 'receive reports that a client pushes by ssh, as the forced command of its key',
  example: 'fleet-health receive web-1',
  parameters: { client: text('<client>', 'the client with this key') },
  run: async (context, { client }) => (await import('./receive.ts')).receiveCommand(context, client),
});
