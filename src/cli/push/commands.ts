import { defineCommand, flag, text } from '../command/define-command.ts';

export const enroll = defineCommand({
  name: 'enroll',
  help: 'print agent.json of a client that pushes or answers over HTTP, or the key of a site',
  example: 'fleet-health enroll web-1 --ssh fleet@collector.example.org',
  parameters: {
    client: text('<client>', 'the name in config.xml; with --site the label site of its clients'),
    site: flag('--site', 'print the file for <forward key> of a site'),
    https: text('--https <url>', 'the URL of `serve` to which the client pushes'),
    ssh: text('--ssh <user@host>', 'the account to which the client pushes by ssh; its key starts `receive`'),
    edge: flag('--edge', 'include the rules, for `fleet-health-agent edge`, which sends changes only'),
    output: text('-o, --output <file>', 'write into this file, with mode 0600, instead'),
    rotate: { ...flag('--rotate', 'make a new key; the former key becomes invalid at once'), conflicts: ['revoke'] },
    revoke: flag('--revoke', 'make the key invalid at once'),
  },
  run: async (context, options) => (await import('./enroll.ts')).enrollCommand(context, options),
});

export const receive = defineCommand({
  name: 'receive',
  help: 'receive reports that a client pushes by ssh, as the forced command of its key',
  example: 'fleet-health receive web-1',
  parameters: { client: text('<client>', 'the client with this key') },
  run: async (context, { client }) => (await import('./receive.ts')).receiveCommand(context, client),
});
