import { ownFormats, type MadeKind } from '../../report/checks.ts';
import type { ServerKind, ServerOption } from '../../report/server-checks.ts';
import type { Attributes, AttributeSpec, ElementSpec } from './element-spec.ts';

const timing = {
  every: {
    kind: 'duration',
    words: ['none'],
    help:
      'The least time between two runs, at most 7d; until then the last result is repeated. Default none: each ' +
      'visit.',
  },
  timeout: { kind: 'duration', help: 'The time limit, 1s to 30s. Default 10s.' },
} as const satisfies Attributes;

const enabled = { words: ['yes', 'no'], help: 'no: disables the element of this name here. Default yes.' } as const;

const checkAttributes: Attributes = {
  name: {
    kind: 'checkName',
    required: true,
    help: 'The name. An inner element of the same name overrides single attributes.',
  },
  command: {
    kind: 'text',
    help:
      'The program, by its absolute path or its name, and its arguments. Quotes and backslashes work as in a ' +
      'shell, but no shell runs. Needed unless an outer element has it. Not for passwords: the process list ' +
      'shows it.',
  },
  ...timing,
  format: { words: ownFormats, help: 'The format of the output. Default nagios.' },
  enabled,
};

/** The element `<certificate>`. */
const certificateElement: ElementSpec = {
  parents: ['config', 'group', 'client'],
  attributes: {
    name: { kind: 'checkName', required: true, help: 'The name; the check is called certificate:NAME.' },
    connect: {
      kind: 'endpoint',
      help: 'HOST:PORT of a TLS server, as the client reaches it, with an IPv6 address in brackets.',
    },
    servername: {
      kind: 'serverName',
      help: 'The requested server name (SNI). Default: HOST, unless it is an address.',
    },
    file: { kind: 'remoteGlob', help: 'Files of the client, with * and ?, instead of connect.' },
    warning: { kind: 'duration', help: 'The remaining time below which the check is WARNING. Default 21d.' },
    critical: { kind: 'duration', help: 'The remaining time below which the check is CRITICAL. Default 7d.' },
    ...timing,
    enabled,
  },
  help: 'A certificate that the agent checks. Not available under a restricted key, like <check>.',
};

/** The element `<textfile>`. */
const textfileElement: ElementSpec = {
  parents: ['config', 'group', 'client'],
  attributes: {
    dir: { kind: 'remoteFolder', required: true, help: 'A folder of the client with *.prom files.' },
    metrics: { kind: 'metricGlobs', help: 'Metrics whose samples are stored, with * and commas. Default: none.' },
    stale: { kind: 'duration', help: 'The age of a file from which it is WARNING. Default 2h.' },
    ...timing,
    enabled,
  },
  help: 'A folder of textfiles that the agent reads. Not available under a restricted key, like <check>.',
};

/** The element `<check>`. */
const checkElement: ElementSpec = {
  parents: ['config', 'group', 'client'],
  attributes: checkAttributes,
  help:
    'A command that the agent runs. Not available under a restricted key; then `check` prints the line for ' +
    'the conf file.',
};

/** The attributes of an element: one for each option of its kind, but `host` for the option `name`. */
type OptionsOf<Kind extends ServerKind> = Readonly<
  Record<Exclude<ServerOption<Kind>, 'name'> | ('name' extends ServerOption<Kind> ? 'host' : never), AttributeSpec>
>;

const slow = {
  kind: 'slowLimits',
  help: 'The times to the last byte above which the check is WARNING and CRITICAL, like 1s,5s. Default: none.',
} as const;
const family = { words: ['4', '6'], help: '4 or 6: only addresses of this version. Default: both.' } as const;
const ofTls = {
  verify: { words: ['yes', 'no'], help: 'no: the certificate is not verified. Default yes.' },
  ca: {
    kind: 'remotePath',
    help: 'PEM file of the client with the authorities to trust. Default: those that the client trusts.',
  },
  warning: {
    kind: 'duration',
    help: 'The remaining time of the certificate below which the check is WARNING. Default 21d.',
  },
  critical: {
    kind: 'duration',
    help: 'The remaining time of the certificate below which the check is CRITICAL. Default 7d.',
  },
} as const satisfies Attributes;

const httpOptions: OptionsOf<'http'> = {
  url: {
    kind: 'pageAddress',
    help: 'The address of the page, as the client reaches it. Needed unless an outer element has it.',
  },
  status: { kind: 'statusRanges', help: 'The wanted statuses, a list with ranges. Default 200-399.' },
  contains: { kind: 'text', help: 'A text that the first 1 MiB of the page must have.' },
  lacks: { kind: 'text', help: 'A text that the first 1 MiB of the page must not have.' },
  follow: {
    words: ['no', 'yes', 'same-host'],
    help: 'The redirects to follow, ten at most. Default same-host.',
  },
  connect: {
    kind: 'connectTarget',
    help: 'HOST:PORT or the path of a socket to connect to, instead of those of the URL.',
  },
  family,
  header: {
    kind: 'headerLine',
    help: 'A header to send, such as Accept: text/html. No secrets: the request shows them.',
  },
  headerFile: { kind: 'remotePath', help: 'A file of the client with headers to send, one a line.' },
  slow,
  ...ofTls,
};

const tcpOptions: OptionsOf<'tcp'> = {
  connect: {
    kind: 'connectTarget',
    help: 'HOST:PORT or the path of a socket, as the client reaches it. Needed unless an outer element has it.',
  },
  tls: { words: ['yes', 'no'], help: 'yes: TLS from the first byte. Default no.' },
  servername: { kind: 'serverName', help: 'The name that the certificate must have. Default: HOST.' },
  send: { kind: 'text', help: 'A text to send, with \\r, \\n, \\t and \\xNN.' },
  expect: { kind: 'text', help: 'A text that the first 4 KiB of the answer must have, in the same form.' },
  family,
  slow,
  ...ofTls,
};

const dnsOptions: OptionsOf<'dns'> = {
  host: { kind: 'lookedUpName', help: 'The name to look up. Needed unless an outer element has it.' },
  type: {
    words: ['A', 'AAAA', 'CNAME', 'MX', 'TXT', 'NS', 'SOA', 'PTR', 'SRV'],
    help: 'The type of the record. Default A.',
  },
  server: {
    kind: 'nameServer',
    help: "The address of a name server. Default: the client's own resolver, for A and AAAA as its programs use it.",
  },
  expect: { kind: 'text', help: 'The value, or several with commas, which the answer must have.' },
  slow,
};

function serverElement(kind: MadeKind, options: Attributes, help: string): ElementSpec {
  return {
    parents: ['config', 'group', 'client'],
    attributes: {
      name: { kind: 'checkName', required: true, help: `The name; the check is called ${kind}:NAME.` },
      ...options,
      ...timing,
      enabled,
    },
    help: `${help} Not available under a restricted key, like <check>.`,
  };
}

/** The elements that become checks of clients. */
export const checkElements = {
  check: checkElement,
  certificate: certificateElement,
  textfile: textfileElement,
  http: serverElement('http', httpOptions, 'A page of a web server that the agent asks for.'),
  tcp: serverElement('tcp', tcpOptions, 'A port or a socket to which the agent connects.'),
  dns: serverElement('dns', dnsOptions, 'A name that the agent looks up.'),
} as const satisfies Readonly<Record<MadeKind | 'check', ElementSpec>>;
