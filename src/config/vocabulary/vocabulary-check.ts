import { ownFormats } from '../../report/checks.ts';
import type { Attributes, ElementSpec } from './element-spec.ts';

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
  every: {
    kind: 'duration',
    words: ['none'],
    help: 'It does not run again before; until then the last result is repeated. At most 7d. Default none: each visit.',
  },
  timeout: { kind: 'duration', help: 'After that it is ended. From 1s to 30s. Default 10s.' },
  format: { words: ownFormats, help: 'The form of its output. Default nagios.' },
  enabled: { words: ['yes', 'no'], help: 'no: ends the check of this name from here on. Default yes.' },
};

/** The element `<check>`. */
export const checkElement: ElementSpec = {
  parents: ['config', 'group', 'client'],
  attributes: checkAttributes,
  help: 'A command that the agent runs. Not under a restricted key: `check` names the line for the conf file then.',
};
