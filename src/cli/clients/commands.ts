import { choice, defineCommand, flag, many, selection, text } from '../command/define-command.ts';

export const authorize = defineCommand({
  name: 'authorize',
  help: 'print the authorized_keys line of a key that can only run the agent on a client',
  example: 'fleet-health authorize web-1 --script | ssh root@web-1 sh',
  parameters: {
    client: text('<client>', 'the name of a client or bastion in config.xml'),
    key: text('--key <file>', "the public key (default: that of the client's privateKey)"),
    agent: choice(
      '--agent <kind>',
      'the agent for Node.js, or the shell agent (default: the agent of the newest visit)',
      ['node', 'shell'],
    ),
    from: many(text('--from <addresses>', 'the addresses for from="..." of the line, separated by commas or repeated')),
    script: flag('--script', 'print a shell script that installs agent and line, and keeps other options of the line'),
  },
  run: async (context, options) => (await import('./authorize.ts')).authorizeCommand(context, options),
});

export const spool = defineCommand({
  name: 'spool',
  help: 'print the crontab line with which a client makes reports while no collector visits it',
  example: 'fleet-health spool web-1 --script | ssh monitor@web-1 sh',
  parameters: {
    client: text('<client>', 'the name in config.xml'),
    every: text('--every <duration>', 'the interval, like 5m or 1h (default: that of the collector)'),
    script: flag('--script', 'print a shell script that adds the line to the crontab of the account that runs it'),
    remove: { ...flag('--remove', 'print a shell script that removes the line'), conflicts: ['every', 'script'] },
  },
  run: async (context, options) => (await import('./spool.ts')).spoolCommand(context, options),
});

export const cleanup = defineCommand({
  name: 'cleanup',
  help: 'remove all files of fleet-health from clients',
  example: 'fleet-health cleanup web-1 --yes',
  parameters: {
    ...selection,
    yes: flag('--yes', 'do not ask for confirmation'),
    all: flag('--all', 'also files of other collectors'),
    force: flag('--force', 'also reports that could not be collected first'),
  },
  run: async (context, options) => (await import('./cleanup.ts')).cleanupCommand(context, options),
});
