import { defineCommand, flag, text } from '../command/define-command.ts';

export const enroll = defineCommand({
  name: 'enroll',
  help: 'print agent.json of a client that pushes its reports, or is asked for them over HTTP; or the key of a site',
  example: 'fleet-health enroll web-1 --ssh fleet@collector.example.org',
  parameters: {
    client: text('<client>', 'as config.xml names it; with --site the label site of clients'),
    site: flag('--site', 'it is a site whose collector forwards: print the file of its <forward key>'),
    https: text('--https <url>', 'it pushes to this URL, where `serve` answers'),
    ssh: text('--ssh <user@host>', 'it pushes by ssh, to an account whose key starts `receive`'),
    edge: flag('--edge', 'with its rules, so that it sends changes alone: for `fleet-health-agent edge`'),
    output: text('-o, --output <file>', 'write a file of mode 0600 instead'),
    rotate: { ...flag('--rotate', 'make a new key: the one before is useless at once'), conflicts: ['revoke'] },
    revoke: flag('--revoke', 'make its key useless, at once'),
  },
  run: async (context, options) => (await import('./enroll.ts')).enrollCommand(context, options),
});

export const receive = defineCommand({
  name: 'receive',
  help: 'take the reports that a client pushes by ssh: the forced command of its key',
  example: 'fleet-health receive web-1',
  parameters: { client: text('<client>', 'whose key it is') },
  run: async (context, { client }) => (await import('./receive.ts')).receiveCommand(context, client),
});
