import { anyText, text } from '../command/define-command.ts';

export const urlParameters = {
  service: text('<service>', 'the service of the events, as in rules'),
  host: text('--host <name>', 'the host of the events (default: none)'),
  to: text('--to <url>', 'the URL at which the job reaches `serve` (default: from host and port of <serve>)'),
} as const;

export const sendParameters = {
  host: text('<host>', 'the host of the event'),
  service: text('<service>', 'the service of the event, as in rules'),
  status: text('<status>', 'OK, WARN, CRIT or UNKNOWN, or 0 to 3'),
  description: anyText('<text>', 'a line of text'),
  to: text('--to <url>', 'the URL of a `serve`, or the name of a <webhook> (default: the `serve` of config.xml)'),
  instance: text('--instance <name>', 'one of several instances of the service'),
  tags: anyText('--tags <words>', 'words, separated by commas'),
  value: text('--value <number>', 'a figure'),
  ttl: text('--ttl <time>', 'the time for which the status is valid, like 26h'),
  id: text('--id <id>', 'an id; a second event of the host with this id is a duplicate (default: a new id)'),
  timeout: text('--timeout <time>', 'the time limit (default: 60s)'),
} as const;
