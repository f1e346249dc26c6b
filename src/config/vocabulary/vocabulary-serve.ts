import type { Attributes, ElementSpec } from './element-spec.ts';

/** The first segments of all paths that `serve` answers. The path of `url` cannot begin with one of them. */
export const servedNames = [
  'alerts',
  'api',
  'assets',
  'c',
  'events',
  'live',
  'metrics',
  'ping',
  'reply',
  'report',
  'runs',
  'status',
  'v1',
] as const;

/** The attributes of `<serve>`. */
export const serveAttributes: Attributes = {
  host: {
    kind: 'address',
    help: 'The address to listen on; :: accepts IPv4 too. Default: ::1 and 127.0.0.1, or none with socket.',
  },
  port: { kind: 'port', help: 'The port. Default 5151.' },
  ipv6Only: { words: ['yes', 'no'], help: 'yes: host="::" does not accept IPv4. Default no.' },
  socket: { kind: 'path', help: 'A Unix socket to listen on, for its owner and group (0660). Default: none.' },
  tlsCert: { kind: 'path', help: 'PEM file of the certificate with its chain. Default: no TLS.' },
  tlsKey: { kind: 'path', help: 'PEM file of its private key.' },
  trustedProxies: {
    kind: 'networks',
    help:
      'Addresses and networks of reverse proxies whose X-Forwarded-For is trusted, separated by commas; ' +
      'socket: all users of the Unix socket. Default: none.',
  },
  userHeader: {
    kind: 'header',
    help: 'The header in which a trusted proxy names its authenticated user, such as X-Remote-User. Default: none.',
  },
  hiddenOpts: {
    kind: 'text',
    help:
      'Names of options and elements whose values /status hides, separated by commas. Secrets are always ' + 'hidden.',
  },
  url: {
    kind: 'pageUrl',
    help:
      'The address of the pages for people, like https://fleet.example.org/ or, below a path of another host, ' +
      'https://example.org/fleet/: mails, webhooks and Alertmanager link the page of each alert. Default: no links.',
  },
  title: { kind: 'title', help: 'The name of the fleet on the pages. Default: the host of url, or of this machine.' },
  auth: {
    words: ['beyond-loopback', 'always'],
    help: 'always: this machine and the Unix socket need a token too. Default beyond-loopback.',
  },
};

/** The element `<option>`. */
export const optionElement: ElementSpec = {
  parents: ['serve', 'option'],
  attributes: {
    name: { kind: 'word', required: true, help: 'The name of the option.' },
    value: { kind: 'text', help: 'The value, unless the option contains options.' },
  },
  help: 'A value that /status shows.',
};

const commandAttributes = (help: string, usual: string): Attributes => ({
  command: { kind: 'text', required: true, help },
  timeout: { kind: 'duration', help: `The time limit of the program. Default ${usual}.` },
});

/** The element `<ping>`. */
export const pingElement: ElementSpec = {
  parents: ['serve'],
  single: true,
  attributes: commandAttributes('A program: if its exit status is not 0, /ping answers 500 with its first line.', '5s'),
  help: 'Your own check for /ping.',
};

/** The element `<status>`. */
export const statusElement: ElementSpec = {
  parents: ['serve'],
  single: true,
  attributes: commandAttributes('A program that prints a JSON object, whose keys are added to /status.', '5s'),
  help: 'Your own facts for /status.',
};

/** The element `<events>`. */
export const eventsElement: ElementSpec = {
  parents: ['serve'],
  single: true,
  attributes: {
    udp: { words: ['yes', 'no'], help: 'no: datagrams are not accepted. Default yes, on the same address and port.' },
    from: {
      kind: 'networks',
      help: 'Addresses and networks that may send events, separated by commas. Default: all that reach the server.',
    },
    maxPerMinute: {
      kind: 'count',
      help: 'The largest number of events of an address in a minute. Default 600; no limit for this machine.',
    },
    command: {
      kind: 'text',
      help: 'A program that receives each event as JSON on standard input, in order. Default: none.',
    },
    timeout: { kind: 'duration', help: 'The time limit of the program. Default 30s.' },
  },
  help: 'Events that machines and programs send.',
};
