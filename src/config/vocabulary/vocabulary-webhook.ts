import { webhookFormats } from '../channel-config.ts';
import type { Attributes, ElementSpec } from './element-spec.ts';
import { clientSelectors, mailAttributes } from './vocabulary-alert.ts';

/** The least severity, the rules and the hours, as in `<mail>`. */
const asOfMail = Object.fromEntries(Object.entries(mailAttributes).filter(([name]) => name !== 'to'));

const webhookAttributes: Attributes = {
  name: {
    kind: 'word',
    required: true,
    help: 'What it is called in lists. The name alone, elsewhere, adds the webhook of that name there too.',
  },
  url: { kind: 'url', help: 'Where to post, a secret; the file must then be readable by its owner alone.' },
  urlFile: { kind: 'path', help: 'A file whose first line is the URL.' },
  urlEnv: { kind: 'variable', help: 'The environment variable that holds the URL.' },
  format: { words: webhookFormats, help: 'The form of the body: docs/webhooks.md. Default alertmanager.' },
  ...asOfMail,
  header: {
    kind: 'headerLine',
    help: 'A header of each request, like Authorization: Bearer ...; a secret, as url is.',
  },
  headerFile: { kind: 'path', help: 'A file whose first line is that header.' },
  ca: { kind: 'path', help: "PEM file of the authority that signed the server's certificate." },
  timeout: { kind: 'duration', help: 'After that an attempt is ended. At most 2m. Default 10s.' },
};

/** The element `<webhook>`. */
export const webhookElement: ElementSpec = {
  parents: ['alerts', 'group', 'client'],
  attributes: webhookAttributes,
  help: 'A URL that is notified as the recipients of `<mail>` are.',
};

/** The element `<alertmanager>`. */
export const alertmanagerElement: ElementSpec = {
  parents: ['config'],
  single: true,
  attributes: {
    url: { kind: 'urls', required: true, help: 'Its address, or those of a cluster with commas between.' },
    labels: { kind: 'labels', help: 'Labels of every alert, like site=fra,team=web. Default: none.' },
    ca: { kind: 'path', help: "PEM file of the authority that signed the servers' certificates." },
    timeout: { kind: 'duration', help: 'After that an attempt is ended. At most 2m. Default 10s.' },
  },
  help: "Prometheus's Alertmanager, which is notified at every pass of what fires.",
};

/** The element `<notify>`. */
export const notifyElement: ElementSpec = {
  parents: ['config'],
  attributes: {
    command: { kind: 'text', required: true, help: 'A program that is given each notification.' },
    severity: { words: ['warning', 'critical'], help: 'The least severity it is given. Default: all.' },
    rules: { kind: 'globs', help: 'Names of the rules it is given, patterns allowed. Default: all.' },
    timeout: { kind: 'duration', help: 'After that the program is ended. Default 30s.' },
    ...clientSelectors,
  },
  help: 'A program that is notified beside mail.',
};
