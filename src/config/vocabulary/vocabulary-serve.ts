import type { Attributes, ElementSpec } from './element-spec.ts';

/** The attributes of `<serve>`. */
export const serveAttributes: Attributes = {
  host: {
    kind: 'address',
    help: 'The address to listen on; :: takes IPv4 too. Default: ::1 and 127.0.0.1, none if only socket is written.',
  },
  port: { kind: 'port', help: 'Default 5151.' },
  ipv6Only: { words: ['yes', 'no'], help: 'yes: host="::" takes no IPv4. Default no.' },
  socket: { kind: 'path', help: 'A Unix socket to listen on, for its owner and group (0660). Default: none.' },
  tlsCert: { kind: 'path', help: 'PEM file of the certificate with its chain. Default: no TLS.' },
  tlsKey: { kind: 'path', help: 'PEM file of its private key.' },
  trustedProxies: {
    kind: 'networks',
    help:
      'Addresses and networks of reverse proxies, with commas between, whose X-Forwarded-For is believed; socket: ' +
      'who reaches the Unix socket. Default: none.',
  },
  userHeader: {
    kind: 'header',
    help: 'The header in which a trusted proxy names the user whom it let in, such as X-Remote-User. Default: none.',
  },
  hiddenOpts: {
    kind: 'text',
    help: 'Names of options and elements whose values /status hides, with commas between. Secrets are always hidden.',
  },
  auth: {
    words: ['beyond-loopback', 'always'],
    help: 'always: this machine and the Unix socket need a token too. Default beyond-loopback.',
  },
};

/** The element `<option>`. */
export const optionElement: ElementSpec = {
  parents: ['serve', 'option'],
  attributes: {
    name: { kind: 'word', required: true, help: 'Its name.' },
    value: { kind: 'text', help: 'Its value, unless options stand in it.' },
  },
  help: 'A value of your own, which /status shows.',
};

const commandAttributes = (help: string, usual: string): Attributes => ({
  command: { kind: 'text', required: true, help },
  timeout: { kind: 'duration', help: `After that the program is ended. Default ${usual}.` },
});

/** The element `<ping>`. */
export const pingElement: ElementSpec = {
  parents: ['serve'],
  single: true,
  attributes: commandAttributes('A program: if its exit status is not 0, /ping answers 500 with its first line.', '5s'),
  help: 'A check of your own for /ping.',
};

/** The element `<status>`. */
export const statusElement: ElementSpec = {
  parents: ['serve'],
  single: true,
  attributes: commandAttributes('A program that prints a JSON object, whose keys join those of /status.', '5s'),
  help: 'Facts of your own for /status.',
};

/** The element `<events>`. */
export const eventsElement: ElementSpec = {
  parents: ['serve'],
  single: true,
  attributes: {
    udp: { words: ['yes', 'no'], help: 'no: datagrams are not taken. Default yes, on the same address and port.' },
    from: {
      kind: 'networks',
      help: 'Addresses and networks that may send events, with commas between. Default: all that reach the server.',
    },
    maxPerMinute: {
      kind: 'count',
      help: 'The most events of an address in a minute. Default 600; any number from this machine.',
    },
    command: {
      kind: 'text',
      help: 'A program that is given each event as JSON on stdin, in their order. Default: none.',
    },
    timeout: { kind: 'duration', help: 'After that the program is ended. Default 30s.' },
  },
  help: 'Events that machines and programs send.',
};
