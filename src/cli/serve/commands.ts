/** src/cli/serve: `serve`, `tokens`. */
import { choice, defineCommand, defineGroup, text } from '../command/define-command.ts';
import { sendParameters, urlParameters } from './parameters.ts';

export const serve = defineCommand({
  name: 'serve',
  help: 'serve the pages and documents of <serve> until a signal arrives',
  example: 'fleet-health serve',
  parameters: {
    idleExit: text('--idle-exit <time>', 'the time without visitors after which it ends, like 10m'),
  },
  run: async (context, options) => (await import('./serve.ts')).serveCommand(context, options),
});

const url = defineCommand({
  name: 'url',
  help: 'create a token for pings of a service, and print the lines for its cron job once',
  example: 'fleet-health events url backup --host nas',
  parameters: urlParameters,
  run: async (context, options) => (await import('./events.ts')).eventsUrlCommand(context, options),
});

const send = defineCommand({
  name: 'send',
  help: 'send an event until a receiver has it; exit 1: refused, 3: no receiver within the timeout',
  example: 'fleet-health events send nas backup OK "3 GB" --to https://fleet.example.org/',
  parameters: sendParameters,
  run: async (context, options) => (await import('./send-event.ts')).eventsSendCommand(context, options),
});

export const events = defineGroup(
  {
    name: 'events',
    help: 'send events of jobs, and create tokens for pings',
    example: 'fleet-health events url backup',
  },
  [url, send],
);

const add = defineCommand({
  name: 'add',
  help: 'create a token, and print it once',
  example: 'fleet-health tokens add anna',
  parameters: {
    name: text('<name>', 'the holder of the token'),
    for: choice('--for <what>', 'the documents that the token gives access to (default: look)', [
      'look',
      'metrics',
      'status',
    ]),
  },
  run: async (context, options) => (await import('./tokens.ts')).tokensAddCommand(context, options),
});

const list = defineCommand({
  name: 'list',
  help: 'list the holders of tokens and their access',
  example: 'fleet-health tokens list',
  run: async (context) => (await import('./tokens.ts')).tokensListCommand(context),
});

const remove = defineCommand({
  name: 'remove',
  help: 'make a token invalid at once',
  example: 'fleet-health tokens remove anna',
  parameters: { name: text('<name>', 'the name in `tokens list`') },
  run: async (context, { name }) => (await import('./tokens.ts')).tokensRemoveCommand(context, name),
});

export const tokens = defineGroup(
  { name: 'tokens', help: 'manage access to `serve` from other machines', example: 'fleet-health tokens add anna' },
  [add, list, remove],
);
