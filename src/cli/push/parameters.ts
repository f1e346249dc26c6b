import { flag, text } from '../command/define-command.ts';

export const enrollParameters = {
  client: text('<client>', 'the name in config.xml; with --site the label site of its clients'),
  site: flag('--site', 'print the file for <forward key> of a site'),
  https: text('--https <url>', 'the URL of `serve` to which the client pushes'),
  ssh: text('--ssh <user@host>', 'the account to which the client pushes by ssh; its key starts `receive`'),
  edge: flag('--edge', 'include the rules, for `fleet-health-agent edge`, which sends changes only'),
  output: text('-o, --output <file>', 'write into this file, with mode 0600, instead'),
  rotate: { ...flag('--rotate', 'make a new key; the former key becomes invalid at once'), conflicts: ['revoke'] },
  revoke: flag('--revoke', 'make the key invalid at once'),
} as const;
