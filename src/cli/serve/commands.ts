import { choice, defineCommand, defineGroup, text } from '../command/define-command.ts';

export const serve = defineCommand({
  name: 'serve',
  help: 'the pages and documents of <serve>, until a signal ends it',
  example: 'fleet-health serve',
  parameters: { idleExit: text('--idle-exit <time>', 'end when nobody has come for so long, such as 10m') },
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

export const events = defineGroup(
  { name: 'events', help: 'how jobs say that they are done', example: 'fleet-health events url backup' },
  [url],
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
