import { choice, defineCommand, defineGroup, text } from '../command/define-command.ts';

export const serve = defineCommand({
  name: 'serve',
  help: 'the pages and documents of <serve>, until a signal ends it',
  example: 'fleet-health serve',
  parameters: {
    idleExit: text('--idle-exit <time>', 'end when nobody has come for so long, such as 10m'),
  },
  run: async (context, options) => (await import('./serve.ts')).serveCommand(context, options),
});

const url = defineCommand({
  name: 'url',
  help: 'make a token for the pings of a service, and print the lines for its cron job, this once',
  example: 'fleet-health events url backup --host nas',
  parameters: {
    service: text('<service>', 'the service of its events, as rules name it'),
    host: text('--host <name>', 'the host of its events (default: none)'),
    to: text('--to <url>', 'the URL of `serve` as the job reaches it (default: by host and port of <serve>)'),
  },
  run: async (context, options) => (await import('./events.ts')).eventsUrlCommand(context, options),
});

const send = defineCommand({
  name: 'send',
  help: 'send an event, again and again until somebody has it; exit 1: refused, 3: nobody was reached in time',
  example: 'fleet-health events send nas backup OK "3 GB in 5 min" --to https://collector.example.org/',
  parameters: {
    host: text('<host>', 'the host that it is of'),
    service: text('<service>', 'what it is about, as rules name it'),
    status: text('<status>', 'OK, WARN, CRIT or UNKNOWN, or 0 to 3'),
    description: text('<description>', 'a line for people'),
    to: text('--to <url>', 'the URL of a `serve`, or the name of a <webhook> (default: the `serve` of config.xml)'),
    instance: text('--instance <name>', 'which of several'),
    tags: text('--tags <words>', 'words, with commas between'),
    value: text('--value <number>', 'a figure'),
    ttl: text('--ttl <time>', 'how long the status holds, such as 26h'),
    id: text('--id <id>', 'a second event of the host with the same id is the same (default: a new one)'),
    timeout: text('--timeout <time>', 'give up after so long (default: 60s)'),
  },
  run: async (context, options) => (await import('./send-event.ts')).eventsSendCommand(context, options),
});

export const events = defineGroup(
  { name: 'events', help: 'how jobs say that they are done', example: 'fleet-health events url backup' },
  [url, send],
);

const add = defineCommand({
  name: 'add',
  help: 'make a token and print it, this once',
  example: 'fleet-health tokens add anna',
  parameters: {
    name: text('<name>', 'whose it is'),
    for: choice('--for <what>', 'what it opens (default: look)', ['look', 'metrics', 'status']),
  },
  run: async (context, options) => (await import('./tokens.ts')).tokensAddCommand(context, options),
});

const list = defineCommand({
  name: 'list',
  help: 'whose tokens there are, and what they open',
  example: 'fleet-health tokens list',
  run: async (context) => (await import('./tokens.ts')).tokensListCommand(context),
});

const remove = defineCommand({
  name: 'remove',
  help: 'make a token useless, at once',
  example: 'fleet-health tokens remove anna',
  parameters: { name: text('<name>', 'as `tokens list` shows it') },
  run: async (context, { name }) => (await import('./tokens.ts')).tokensRemoveCommand(context, name),
});

export const tokens = defineGroup(
  { name: 'tokens', help: 'who may look beyond this machine', example: 'fleet-health tokens add anna' },
  [add, list, remove],
);
