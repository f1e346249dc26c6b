import type { Attributes } from './element-spec.ts';

/** The attributes of `<metrics>`. */
export const metricsAttributes: Attributes = {
  textfile: {
    kind: 'path',
    help:
      "The file that `collect` and `alert` write at the end of a run, for node_exporter's textfile collector. " +
      'Needed, except in `<serve>`, where it is not allowed.',
  },
  families: {
    kind: 'families',
    help:
      'The groups of figures: client, alerts, self, check, disk, network, series, separated by commas. ' +
      'Default: all.',
  },
};
