import { webhookFormats } from '../channel-config.ts';
import type { AttributeSpec, Attributes, ElementSpec } from './element-spec.ts';
import { afterAttribute, clientSelectors, mailAttributes } from './vocabulary-alert.ts';

/** The least severity, the rules and the hours, as in `<mail>`. */
const asOfMail = Object.fromEntries(Object.entries(mailAttributes).filter(([name]) => name !== 'to'));

/** The attribute `proxy` of elements with a URL. */
const proxyAttribute: AttributeSpec = {
  kind: 'proxy',
  help: 'The HTTP proxy, like http://proxy:3128, or none. Default environment: HTTPS_PROXY, HTTP_PROXY and NO_PROXY.',
};

const webhookAttributes: Attributes = {
  name: {
    kind: 'word',
    required: true,
    help: 'The name. An element with only the name uses the webhook of this name elsewhere, too.',
  },
  url: { kind: 'url', help: 'The URL, a secret; then only the owner of the file may be able to read it.' },
  urlFile: { kind: 'path', help: 'A file whose first line is the URL.' },
  urlEnv: { kind: 'variable', help: 'The environment variable that holds the URL.' },
  format: { words: webhookFormats, help: 'The format of the body (docs/webhooks.md). Default alertmanager.' },
  ...asOfMail,
  header: {
    kind: 'headerLine',
    help: 'A header of each request, like Authorization: Bearer ...; a secret, like url.',
  },
  headerFile: { kind: 'path', help: 'A file whose first line is the header.' },
  ca: { kind: 'path', help: "PEM file of the authority that signed the server's certificate." },
  proxy: proxyAttribute,
  timeout: { kind: 'duration', help: 'The time limit of an attempt, at most 2m. Default 10s.' },
};

/** The element `<webhook>`. */
export const webhookElement: ElementSpec = {
  parents: ['alerts', 'group', 'client'],
  attributes: webhookAttributes,
  help: 'A URL that is notified like the recipients of `<mail>`.',
};

/** The element `<alertmanager>`. */
export const alertmanagerElement: ElementSpec = {
  parents: ['config'],
  single: true,
  attributes: {
    url: { kind: 'urls', required: true, help: 'The address, or the addresses of a cluster, separated by commas.' },
    labels: { kind: 'labels', help: 'Labels of every alert, like site=fra,team=web. Default: none.' },
    ca: { kind: 'path', help: "PEM file of the authority that signed the servers' certificates." },
    proxy: proxyAttribute,
    timeout: { kind: 'duration', help: 'The time limit of an attempt, at most 2m. Default 10s.' },
  },
  help: "Prometheus's Alertmanager, which receives all firing alerts at every pass.",
};

/** The element `<heartbeat>`. */
export const heartbeatElement: ElementSpec = {
  parents: ['config'],
  attributes: {
    url: { kind: 'url', required: true, help: 'The URL requested after each good pass of the alerter.' },
    proxy: proxyAttribute,
  },
  help: 'A service that notifies you when the alerter no longer runs.',
};

/** The element `<notify>`. */
export const notifyElement: ElementSpec = {
  parents: ['config'],
  attributes: {
    command: { kind: 'text', required: true, help: 'A program that receives each notification.' },
    severity: { words: ['warning', 'critical'], help: 'The least severity of notifications. Default: all.' },
    rules: { kind: 'globs', help: 'Names or types of rules, patterns allowed. Default: all.' },
    after: afterAttribute,
    timeout: { kind: 'duration', help: 'The time limit of the program. Default 30s.' },
    ...clientSelectors,
  },
  help: 'A program that is notified in addition to mails.',
};
