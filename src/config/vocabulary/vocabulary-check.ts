import { ownFormats } from '../../report/checks.ts';
import type { Attributes, ElementSpec } from './element-spec.ts';

const timing = {
  every: {
    kind: 'duration',
    words: ['none'],
    help: 'It does not run again before; until then the last result is repeated. At most 7d. Default none: each visit.',
  },
  timeout: { kind: 'duration', help: 'After that it is ended. From 1s to 30s. Default 10s.' },
} as const satisfies Attributes;

const enabled = { words: ['yes', 'no'], help: 'no: ends the one of this name from here on. Default yes.' } as const;

const checkAttributes: Attributes = {
  name: {
    kind: 'checkName',
    required: true,
    help: 'What it is called. The same name further in overrides attribute by attribute.',
  },
  command: {
    kind: 'text',
    help:
      'The program, by its absolute path or its name, and its arguments. Quotes and backslashes work as in a shell, ' +
      'but no shell runs. Needed, unless further out. No password belongs here: the process list shows it.',
  },
  ...timing,
  format: { words: ownFormats, help: 'The form of its output. Default nagios.' },
  enabled,
};

/** The element `<certificate>`. */
const certificateElement: ElementSpec = {
  parents: ['config', 'group', 'client'],
  attributes: {
    name: { kind: 'checkName', required: true, help: 'What it is called: its check is certificate:NAME.' },
    connect: {
      kind: 'endpoint',
      help: 'HOST:PORT of a TLS server, as the client reaches it. An IPv6 address stands in brackets.',
    },
    servername: {
      kind: 'serverName',
      help: 'The name that the server is asked for. Default: HOST, unless it is an address.',
    },
    file: { kind: 'remoteGlob', help: 'In place of connect: files of the client, with * and ?.' },
    warning: { kind: 'duration', help: 'WARNING when less time is left. Default 21d.' },
    critical: { kind: 'duration', help: 'CRITICAL when less time is left. Default 7d.' },
    ...timing,
    enabled,
  },
  help: 'A certificate that the agent looks at. Not under a restricted key, as <check>.',
};

/** The element `<textfile>`. */
const textfileElement: ElementSpec = {
  parents: ['config', 'group', 'client'],
  attributes: {
    dir: { kind: 'remoteFolder', required: true, help: 'A folder of the client with *.prom files.' },
    metrics: { kind: 'metricGlobs', help: 'Metrics whose samples are kept, with * and commas. Default: none.' },
    stale: { kind: 'duration', help: 'A file that is older is WARNING. Default 2h.' },
    ...timing,
    enabled,
  },
  help: 'A folder of textfiles that the agent reads. Not under a restricted key, as <check>.',
};

/** The element `<check>`. */
const checkElement: ElementSpec = {
  parents: ['config', 'group', 'client'],
  attributes: checkAttributes,
  help: 'A command that the agent runs. Not under a restricted key: `check` names the line for the conf file then.',
};

/** The elements that become checks of clients. */
export const checkElements = { check: checkElement, certificate: certificateElement, textfile: textfileElement };
