import { choice, flag, many, selection, text } from '../command/define-command.ts';

export const authorizeParameters = {
  client: text('<client>', 'the name of a client or bastion in config.xml'),
  key: text('--key <file>', "the public key (default: that of the client's privateKey)"),
  agent: choice(
    '--agent <kind>',
    'the agent for Node.js, or the shell agent (default: the agent of the newest visit)',
    ['node', 'shell'],
  ),
  from: many(text('--from <addresses>', 'the addresses for from="..." of the line, separated by commas or repeated')),
  state: flag('--state', 'allow the shell agent to list packages and files in clear to the holder of the key'),
  script: flag('--script', 'print a shell script that installs agent and line, and keeps other options of the line'),
} as const;

export const spoolParameters = {
  client: text('<client>', 'the name in config.xml'),
  every: text('--every <duration>', 'the interval, like 5m or 1h (default: that of the collector)'),
  script: flag('--script', 'print a shell script that adds the line to the crontab of the account that runs it'),
  remove: { ...flag('--remove', 'print a shell script that removes the line'), conflicts: ['every', 'script'] },
} as const;

export const cleanupParameters = {
  ...selection,
  yes: flag('--yes', 'do not ask for confirmation'),
  all: flag('--all', 'also files of other collectors'),
  force: flag('--force', 'also reports that could not be collected first'),
} as const;
