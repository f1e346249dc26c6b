import { ownFormats } from '../../report/checks.ts';
import type { Attributes, ElementSpec } from './element-spec.ts';

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

/** The elements that become checks of clients. */
export const checkElements = { check: checkElement, certificate: certificateElement, textfile: textfileElement };
