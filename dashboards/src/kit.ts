import type { Dashboard, FieldConfig, MatcherConfig, Panel, VariableModel } from '@grafana/schema';
import type * as barChart from '@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type * as lanes from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as statistic from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as grid from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type * as xyChart from '@grafana/schema/dist/esm/raw/composable/xychart/panelcfg/x/XYChartPanelCfg_types.gen';

/** A type of Grafana's with its enums as the texts that the JSON holds. */
type Text<T> = T extends string
  ? `${T}`
  : T extends number | boolean | undefined | null
    ? T
    : T extends Array<infer E>
      ? Text<E>[]
      : T extends object
        ? { [K in keyof T]: Text<T[K]> }
        : T;

export const PROMETHEUS = { type: 'prometheus', uid: 'espalier-prometheus' };
export const POSTGRES = { type: 'grafana-postgresql-datasource', uid: 'espalier-postgres' };

interface Query {
  datasource: { type: string; uid: string };
  [setting: string]: unknown;
}

/** A query of a view in schema dash. */
export const sql = (rawSql: string, format: 'table' | 'time_series' = 'table'): Query => ({
  datasource: POSTGRES,
  editorMode: 'code',
  format,
  rawQuery: true,
  rawSql: rawSql.trim().replace(/\s+/g, ' '),
});

/** A query of Prometheus over the time range. */
export const prom = (expr: string, legendFormat: string): Query => ({
  datasource: PROMETHEUS,
  editorMode: 'code',
  expr: expr.trim().replace(/\s+/g, ' '),
  legendFormat,
  range: true,
});

type Override = { matcher: MatcherConfig; properties: { id: string; value: unknown }[] };
export const column = (name: string, ...properties: [string, unknown][]): Override => ({
  matcher: { id: 'byName', options: name },
  properties: properties.map(([id, value]) => ({ id, value })),
});

/** A link from the cells of a column. */
export const cellLink = (title: string, url: string): [string, unknown] => ['links', [{ title, url }]];
export const hidden = (name: string): Override => column(name, ['custom.hideFrom.viz', true], ['custom.hidden', true]);

/** What every panel says: what it means and what to do, its unit, and what no data means. */
interface About {
  title: string;
  means: string;
  unit: string;
  empty: string;
  queries: Query[];
  width?: number;
  height?: number;
  overrides?: Override[];
  transformations?: { id: string; options: Record<string, unknown> }[];
  defaults?: FieldConfig;
}

type Placed = Panel & { gridPos: { x: number; y: number; w: number; h: number } };

function panel(type: string, about: About, width: number, height: number, options: object, custom?: Record<string, unknown>): Placed {
  return {
    type,
    title: about.title,
    description: about.means,
    datasource: about.queries[0]!.datasource,
    gridPos: { x: 0, y: 0, w: about.width ?? width, h: about.height ?? height },
    targets: about.queries.map((query, i) => ({ refId: String.fromCharCode(65 + i), ...query })),
    transformations: about.transformations ?? [],
    fieldConfig: {
      defaults: { unit: about.unit, noValue: about.empty, ...about.defaults, ...(custom ? { custom } : {}) },
      overrides: about.overrides ?? [],
    },
    options: options as Record<string, unknown>,
  };
}

const LEGEND: Text<timeSeries.Options['legend']> = { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: true };

export const lines = (about: About): Placed => {
  const options: Text<timeSeries.Options> = { legend: LEGEND, tooltip: { mode: 'multi', sort: 'desc' } };
  const custom: Text<timeSeries.FieldConfig> = { drawStyle: 'line', lineWidth: 1, fillOpacity: 5, showPoints: 'auto', spanNulls: false };
  return panel('timeseries', about, 8, 8, options, { ...custom });
};

export const stat = (about: About & { text?: boolean }): Placed => {
  const options: Text<statistic.Options> = {
    colorMode: 'none',
    graphMode: 'none',
    justifyMode: 'auto',
    orientation: 'auto',
    percentChangeColorMode: 'standard',
    showPercentChange: false,
    textMode: 'auto',
    wideLayout: true,
    reduceOptions: { calcs: ['lastNotNull'], fields: about.text ? '/.*/' : '', values: false },
  };
  return panel('stat', about, 4, 4, options);
};

export const table = (about: About): Placed => {
  const options: Text<grid.Options> = { frameIndex: 0, showHeader: true, cellHeight: 'sm' };
  return panel('table', about, 24, 9, options);
};

/** Numbers against numbers: each frame is a series of its own, x its first number. */
export const xy = (about: About & { by: string; show?: `${xyChart.XYShowMode}` }): Placed => {
  const options: Text<xyChart.Options> = { mapping: 'auto', series: [], legend: LEGEND, tooltip: { mode: 'single', sort: 'none' } };
  const custom: Text<xyChart.FieldConfig> = { show: about.show ?? 'points', pointSize: { fixed: 6 }, lineWidth: 1, fillOpacity: 50 };
  const split = { id: 'partitionByValues', options: { fields: [about.by], keepFields: false, naming: { asLabels: false } } };
  return panel('xychart', { ...about, transformations: [split] }, 12, 10, options, { ...custom });
};

export const bars = (about: About & { x: string }): Placed => {
  const options: Text<barChart.Options> = {
    barWidth: 0.9,
    fullHighlight: false,
    groupWidth: 0.7,
    orientation: 'auto',
    showValue: 'auto',
    stacking: 'none',
    xField: about.x,
    xTickLabelMaxLength: 30,
    xTickLabelRotation: 0,
    legend: LEGEND,
    tooltip: { mode: 'multi', sort: 'none' },
  };
  return panel('barchart', about, 12, 9, options);
};

/** One lane for each value of a column, coloured by state. */
export const timeline = (about: About & { by: string }): Placed => {
  const options: Text<lanes.Options> = { rowHeight: 0.9, showValue: 'auto', mergeValues: true, alignValue: 'left', legend: LEGEND, tooltip: { mode: 'single', sort: 'none' } };
  const custom: Text<lanes.FieldConfig> = { fillOpacity: 70, lineWidth: 0 };
  const split = { id: 'partitionByValues', options: { fields: [about.by], keepFields: false, naming: { asLabels: false } } };
  return panel('state-timeline', { ...about, transformations: [split] }, 24, 8, options, { ...custom });
};

/** A variable whose values a view or Prometheus lists; text and value are columns of those names. */
export const variable = (name: string, label: string, query: Query, more: Partial<VariableModel> = {}): VariableModel => ({
  type: 'query',
  name,
  label,
  datasource: query.datasource,
  query: query['rawSql'] ? (query['rawSql'] as string) : { query: query['expr'], refId: name },
  refresh: 2,
  sort: 0,
  ...more,
});

/** Panels flow from left to right into rows of 24 columns. */
function flow(panels: Placed[]): Placed[] {
  let x = 0;
  let y = 0;
  let tallest = 0;
  return panels.map((one, i) => {
    const { w, h } = one.gridPos;
    if (x + w > 24) {
      x = 0;
      y += tallest;
      tallest = 0;
    }
    const placed = { ...one, id: i + 1, gridPos: { x, y, w, h } };
    x += w;
    tallest = Math.max(tallest, h);
    return placed;
  });
}

const BOARDS: [string, string][] = [
  ['Sweep overview', 'espalier-sweep'],
  ['Trial detail', 'espalier-trial'],
  ['Platform health', 'espalier-platform'],
  ['Resources', 'espalier-resources'],
];

export function board(uid: string, description: string, range: string, variables: VariableModel[], panels: Placed[]): Dashboard {
  const title = BOARDS.find(([, id]) => id === uid)![0];
  return {
    uid,
    title: `Espalier / ${title}`,
    description,
    tags: ['espalier'],
    schemaVersion: 41,
    version: 1,
    editable: false,
    graphTooltip: 1,
    timezone: 'browser',
    refresh: '10s',
    time: { from: range, to: 'now' },
    timepicker: {},
    fiscalYearStartMonth: 0,
    annotations: { list: [] },
    links: BOARDS.filter(([, id]) => id !== uid).map(([name, id]) => ({
      title: name,
      type: 'link',
      icon: 'dashboard',
      tooltip: '',
      url: `/d/${id}`,
      tags: [],
      asDropdown: false,
      targetBlank: false,
      includeVars: true,
      keepTime: true,
    })),
    templating: { list: variables },
    panels: flow(panels),
  };
}
