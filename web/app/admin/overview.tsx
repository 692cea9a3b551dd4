"use client";

import { useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import { useRefusalText } from "@/client/refusal";
import { cx } from "@/parts/cx";
import { Notice } from "@/parts/notice";
import { admin, type NodeEntry } from "./api";
import { Card } from "./card";
import { Chart } from "./chart";
import { bytes, count, percent, span } from "./figures";
import { usePolled } from "./polling";
import { appended, type Sample, sampleOf } from "./series";
import { Cell, Row, Table } from "./table";
import { adminTestids } from "./testids";

/** As often as nodes write their entries. */
const EVERY_MS = 2000;

const LATENCY = [
  { label: "p50", pick: ({ p50Ms }: Sample) => p50Ms },
  { label: "p99", pick: ({ p99Ms }: Sample) => p99Ms },
];

const COLUMNS = [
  { name: "node" },
  { name: "version" },
  { name: "up", end: true },
  { name: "connections", end: true },
  { name: "cpu", end: true },
  { name: "memory", end: true },
  { name: "load", end: true },
  { name: "p50", end: true },
  { name: "p99", end: true },
  { name: "queue", end: true },
  { name: "busLag", end: true },
  { name: "outbox", end: true },
  { name: "seen", end: true },
] as const;

/** All processes, live. */
export function Overview() {
  const t = useTranslations("admin.overview");
  const refusalText = useRefusalText();
  const { value, error, atMs } = usePolled(admin.nodes, EVERY_MS);
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  useEffect(() => {
    if (value) setSamples((before) => appended(before, sampleOf(value.nodes, atMs)));
  }, [value, atMs]);
  const nodes = [...(value?.nodes ?? [])].sort((a, b) => a.role.localeCompare(b.role) || a.name.localeCompare(b.name));
  const latest = samples.at(-1);
  const draining = nodes.filter((node) => node.draining).length;
  const throughput = [
    { label: t("sends"), pick: ({ sendsPerS }: Sample) => sendsPerS },
    { label: t("pushes"), pick: ({ pushesPerS }: Sample) => pushesPerS },
    { label: t("frames"), pick: ({ framesPerS }: Sample) => framesPerS },
  ];

  return (
    <>
      <Notice>{error ? t("old", { reason: refusalText(error) }) : null}</Notice>
      <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4">
        <Tile
          label={t("nodes")}
          value={value ? count(nodes.length) : "–"}
          note={draining ? t("drainingCount", { count: draining }) : undefined}
        />
        <Tile label={t("connections")} value={count(latest?.connections)} />
        <Tile label={t("sendsPerSecond")} value={count(latest?.sendsPerS)} />
        <Tile label={t("slowest")} value={span(latest?.p99Ms)} />
        <Canary nodes={nodes} />
      </dl>
      <Card title={t("figures")}>
        <div className="flex flex-col gap-6 lg:flex-row">
          <Chart title={t("throughput")} lines={throughput} samples={samples} nowMs={atMs} format={count} />
          <Chart title={t("latency")} lines={LATENCY} samples={samples} nowMs={atMs} format={span} />
        </div>
      </Card>
      <Card
        title={t("nodes")}
        end={
          <span data-testid={adminTestids.live} data-state={error ? "old" : "live"} className="text-muted text-sm">
            {value ? t("every", { span: span(EVERY_MS) }) : t("waiting")}
          </span>
        }
      >
        <Table
          caption={t("nodes")}
          columns={COLUMNS.map(({ name, ...column }) => ({ ...column, label: t(`columns.${name}`) }))}
        >
          {nodes.map((node) => (
            <NodeRow key={node.id} node={node} nowMs={atMs} />
          ))}
        </Table>
      </Card>
    </>
  );
}

/** A canary that has not come through for so long is not well. */
const CANARY_OLD_MS = 60_000;

/** From a send to a socket, as the pair of clients in a node measured it last; nothing where none runs. */
function Canary({ nodes }: { nodes: readonly NodeEntry[] }) {
  const t = useTranslations("admin.overview");
  const running = nodes.map(({ metrics }) => metrics).filter(({ canaryAgeMs }) => canaryAgeMs !== undefined);
  if (running.length === 0) return null;
  const ageMs = Math.max(...running.map(({ canaryAgeMs }) => canaryAgeMs ?? 0));
  const slowestMs = Math.max(...running.map(({ canaryMs }) => canaryMs ?? 0));
  return (
    <Tile
      label={t("canary")}
      value={span(slowestMs || undefined)}
      note={ageMs > CANARY_OLD_MS ? t("canaryOld", { span: span(ageMs) }) : undefined}
    />
  );
}

function Tile({ label, value, note }: { label: string; value: string; note?: string }) {
  return (
    <div className="flex flex-col gap-1 rounded-2xl border border-line bg-surface p-4">
      <dt className="text-muted text-sm">{label}</dt>
      <dd className="flex items-baseline gap-2 font-semibold text-xl tabular-nums">
        {value}
        {note ? <span className="font-medium text-sm text-warn">{note}</span> : null}
      </dd>
    </div>
  );
}

function holdsConnections({ role }: NodeEntry): boolean {
  return role === "comet" || role === "standalone";
}

function NodeRow({ node, nowMs }: { node: NodeEntry; nowMs: number }) {
  const t = useTranslations("admin.overview");
  const { metrics } = node;
  const load = metrics.sendsPerS ?? metrics.pushesPerS ?? metrics.framesPerS;
  return (
    <Row testid={adminTestids.node} name={node.name}>
      <Cell>
        <span className="flex items-center gap-2" title={node.address}>
          <span className="rounded-md bg-sunken px-1.5 py-0.5 text-muted text-xs">{node.role}</span>
          <span className="font-medium">{node.name}</span>
          {node.draining ? (
            <span className="rounded-md bg-warn-soft px-1.5 py-0.5 text-warn text-xs">{t("draining")}</span>
          ) : null}
        </span>
      </Cell>
      <Cell>{node.version}</Cell>
      <Cell end>{span(nowMs - node.startedAtMs)}</Cell>
      <Cell end>{holdsConnections(node) ? count(node.connections) : "–"}</Cell>
      <Cell end className={cx((metrics.cpuPercent ?? 0) > 90 && "text-warn")}>
        {percent(metrics.cpuPercent)}
      </Cell>
      <Cell end>{bytes(metrics.rssBytes)}</Cell>
      <Cell end>{load === undefined ? "–" : t("perSecond", { count: count(load) })}</Cell>
      <Cell end>{span(metrics.p50Ms)}</Cell>
      <Cell end>{span(metrics.p99Ms)}</Cell>
      <Cell end>{count(metrics.queue)}</Cell>
      <Cell end>{span(metrics.busLagMs)}</Cell>
      <Cell end>
        {metrics.outboxRows === undefined ? "–" : `${count(metrics.outboxRows)} · ${span(metrics.outboxAgeMs)}`}
      </Cell>
      <Cell end>{span(Math.max(0, nowMs - node.seenMs))}</Cell>
    </Row>
  );
}
