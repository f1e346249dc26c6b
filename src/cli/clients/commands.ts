import { choice, defineCommand, defineGroup, flag, many, selection, text } from '../command/define-command.ts';

export const authorize = defineCommand({
  name: 'authorize',
  help: 'the authorized_keys line for a key that runs nothing but the agent on a client',
  example: 'fleet-health authorize web-1 --script | ssh root@web-1 sh',
  parameters: {
    client: text('<client>', 'its name in config.xml, or that of a bastion'),
    key: text('--key <file>', 'the public key (default: that of privateKey of the client)'),
    agent: choice('--agent <kind>', 'the agent for Node.js, or the shell agent (default: what read the client last)', [
      'node',
      'shell',
    ]),
    from: many(
      text(
        '--from <addresses>',
        'the addresses that the key is let in from, for from="..." (several: with commas, or given again)',
      ),
    ),
    script: flag(
      '--script',
      'print a shell script that puts agent and line in place; the line keeps its other options',
    ),
  },
  run: async (context, options) => (await import('./authorize.ts')).authorizeCommand(context, options),
});

export const spool = defineCommand({
  name: 'spool',
  help: 'the crontab line that has a client take reports itself while the collector does not come',
  example: 'fleet-health spool web-1 --script | ssh monitor@web-1 sh',
  parameters: {
    client: text('<client>', 'its name in config.xml'),
    every: text('--every <duration>', 'how often, as 5m or 1h (default: as often as the collector comes)'),
    script: flag('--script', 'print a shell script that puts the line into the crontab of the account that runs it'),
    remove: { ...flag('--remove', 'print a shell script that takes it out again'), conflicts: ['every', 'script'] },
  },
  run: async (context, options) => (await import('./spool.ts')).spoolCommand(context, options),
});

export const cleanup = defineCommand({
  name: 'cleanup',
  help: 'remove what fleet-health has left on clients',
  example: 'fleet-health cleanup web-1 --yes',
  parameters: {
    ...selection,
    yes: flag('--yes', 'ask nothing'),
    all: flag('--all', 'also what other collectors have left'),
    force: flag('--force', 'also reports that could not be brought home first'),
  },
  run: async (context, options) => (await import('./cleanup.ts')).cleanupCommand(context, options),
});

const add = defineCommand({
  name: 'add',
  help: 'keep a Node.js for clients of one platform, and compress it',
  example: 'fleet-health runtimes add linux-arm64-musl --from node-v22.11.0-linux-arm64-musl.tar.xz',
  parameters: {
    platform: text(
      '<platform>',
      'linux-x64, linux-arm64, linux-x64-musl, linux-arm64-musl, linux-ppc64le or linux-s390x',
    ),
    from: text(
      '--from <origin>',
      'a file (node itself or a release archive), self (the Node.js that runs this), npm or npm@VERSION; ' +
        'default: self where it fits, else npm',
    ),
    shasums: text(
      '--shasums <file>',
      'compare the archive of --from with this SHASUMS256.txt, before anything of it is run',
    ),
  },
  run: async (context, options) => (await import('./runtimes.ts')).runtimesAddCommand(context, options),
});

const list = defineCommand({
  name: 'list',
  help: 'those that are kept',
  example: 'fleet-health runtimes list',
  run: async (context) => (await import('./runtimes.ts')).runtimesListCommand(context),
});

const remove = defineCommand({
  name: 'remove',
  help: 'delete one; clients keep what they have',
  example: 'fleet-health runtimes remove linux-x64',
  parameters: { platform: text('<platform>', 'as in the list') },
  run: async (context, { platform }) => (await import('./runtimes.ts')).runtimesRemoveCommand(context, platform),
});

export const runtimes = defineGroup(
  {
    name: 'runtimes',
    help: 'the Node.js binaries that clients with runtime="bring" get',
    example: 'fleet-health runtimes add linux-x64',
  },
  [add, list, remove],
);
