import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import { BigValueGraphMode } from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries';

export type Source = 'mysql' | 'prometheus';

/** A panel with its queries for both data sources. */
export interface PanelSpec {
  readonly title: string;
  readonly description?: string;
  readonly kind: 'stat' | 'timeseries' | 'table';
  readonly unit?: string;
  /** The width in columns of the grid, 24 in all, and the height in rows. */
  readonly width: number;
  readonly height: number;
  readonly mysql: readonly string[];
  readonly prometheus: readonly PromQuery[];
  /** The values from which the panel is orange, and red. */
  readonly limits?: readonly [orange: number, red: number];
  readonly min?: number;
  readonly max?: number;
  /** The units of a table's columns. */
  readonly columns?: Readonly<Record<string, string>>;
}

export interface PromQuery {
  readonly expr: string;
  /** The name of a line, or of a column of a table. */
  readonly legend: string;
}

export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly from: string;
  /** `one`: a client is chosen; `many`: some or all. */
  readonly clients: 'one' | 'many';
  readonly panels: readonly PanelSpec[];
}

const datasource = { uid: '${datasource}' } as const;
const clientQueries = {
  mysql: 'SELECT name FROM clients ORDER BY name',
  prometheus: 'label_values(fleet_health_client_info, client)',
} as const;

/** Returns a dashboard as Grafana imports it. */
export function dashboardJson(spec: DashboardSpec, source: Source): string {
  // oxlint-disable-next-line typescript/no-deprecated -- Every Grafana from 9 on imports the classic form.
  const dashboard = new DashboardBuilder(spec.title)
    .uid(`${spec.uid}-${source}`)
    .tags(['fleet-health', source])
    .time({ from: spec.from, to: 'now' })
    .timezone('browser')
    .refresh('1m')
    .tooltip(DashboardCursorSync.Crosshair)
    .editable()
    .link(
      new DashboardLinkBuilder('Fleet Health')
        .type(DashboardLinkType.Dashboards)
        .tags(['fleet-health', source])
        .keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type(source))
    .withVariable(clientVariable(spec, source));
  for (const panel of spec.panels) dashboard.withPanel(panelOf(panel, source));
  return `${JSON.stringify(dashboard.build(), null, 2)}\n`;
}

function clientVariable({ clients }: DashboardSpec, source: Source): QueryVariableBuilder {
  const text = clientQueries[source];
  const isMany = clients === 'many';
  return new QueryVariableBuilder('client')
    .label('Client')
    .datasource({ type: source, ...datasource })
    .query(source === 'mysql' ? text : { query: text, refId: 'clients' })
    .refresh(VariableRefresh.OnDashboardLoad)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(isMany)
    .includeAll(isMany)
    .current(isMany ? { text: ['All'], value: ['$__all'] } : { text: '', value: '' });
}

function panelOf(spec: PanelSpec, source: Source): Builder<Panel> {
  const panel = emptyPanel(spec, source)
    .title(spec.title)
    .datasource({ type: source, ...datasource })
    .span(spec.width)
    .height(spec.height);
  if (spec.description !== undefined) panel.description(spec.description);
  if (spec.unit !== undefined) panel.unit(spec.unit);
  if (spec.min !== undefined) panel.min(spec.min);
  if (spec.max !== undefined) panel.max(spec.max);
  const steps = [{ value: null, color: 'green' }, ...limitSteps(spec)];
  panel.thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps));
  for (const target of targetsOf(spec, source)) panel.withTarget(target);
  return panel;
}

function limitSteps({ limits }: PanelSpec): readonly { readonly value: number; readonly color: string }[] {
  return limits === undefined
    ? []
    : [
        { value: limits[0], color: 'orange' },
        { value: limits[1], color: 'red' },
      ];
}

function emptyPanel(spec: PanelSpec, source: Source): Stat | Table | TimeSeries {
  if (spec.kind === 'stat') return new Stat().graphMode(BigValueGraphMode.None);
  // Points have the distance of visits; a longer time without a point is a gap.
  if (spec.kind === 'timeseries')
    return new TimeSeries()
      .interval('5m')
      .fillOpacity(10)
      .spanNulls(20 * 60 * 1000);
  const table = new Table();
  for (const [column, unit] of Object.entries(spec.columns ?? {})) {
    table.overrideByName(column, [{ id: 'unit', value: unit }]);
  }
  if (source === 'mysql') return table;
  const names = spec.prometheus.map(({ legend }, index) => [`Value${valueSuffix(spec, index)}`, legend] as const);
  return table.withTransformation({ id: 'merge', options: {} }).withTransformation({
    id: 'organize',
    options: { excludeByName: { Time: true }, indexByName: {}, renameByName: Object.fromEntries(names) },
  });
}

/**
 * Returns the suffix of a column of values. Grafana names the value of the only query `Value`, of several `Value #A`
 * and so on.
 */
function valueSuffix({ prometheus }: PanelSpec, index: number): string {
  return prometheus.length === 1 ? '' : ` #${refId(index)}`;
}

function refId(index: number): string {
  return String.fromCharCode(65 + index);
}

function targetsOf(spec: PanelSpec, source: Source): readonly Builder<Dataquery>[] {
  const isSeries = spec.kind === 'timeseries';
  if (source === 'mysql') return spec.mysql.map((sql, index) => mysqlQuery(sql, isSeries, refId(index)));
  return spec.prometheus.map(({ expr, legend }, index) => {
    const query = new DataqueryBuilder()
      .refId(refId(index))
      .datasource({ type: source, ...datasource })
      .expr(expr)
      .legendFormat(legend)
      .format(spec.kind === 'table' ? PromQueryFormat.Table : PromQueryFormat.TimeSeries);
    return isSeries ? query.range() : query.instant();
  });
}

/** Returns a query of the MySQL data source, for which the SDK has no type. */
function mysqlQuery(sql: string, isSeries: boolean, id: string): Builder<Dataquery> {
  return {
    build: () =>
      ({
        refId: id,
        datasource: { type: 'mysql', ...datasource },
        editorMode: 'code',
        format: isSeries ? 'time_series' : 'table',
        rawQuery: true,
        rawSql: sql,
      }) as unknown as Dataquery,
  };
}
