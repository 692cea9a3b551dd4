"use client";

import { useEffect, useState } from "react";
import { cx } from "@/parts/cx";
import { Notice } from "@/parts/notice";
import { admin, type NodeEntry } from "./api";
import { Card } from "./card";
import { Chart, type Line } from "./chart";
import { bytes, count, percent, span } from "./figures";
import { usePolled } from "./polling";
import { appended, type Sample, sampleOf } from "./series";
import { Cell, Row, Table } from "./table";
import { adminTestids } from "./testids";

/** As often as nodes write their entries. */
const EVERY_MS = 2000;

const THROUGHPUT: readonly Line[] = [
  { label: "sends/s", pick: ({ sendsPerS }) => sendsPerS },
  { label: "pushes/s", pick: ({ pushesPerS }) => pushesPerS },
  { label: "frames/s", pick: ({ framesPerS }) => framesPerS },
];
const LATENCY: readonly Line[] = [
  { label: "p50", pick: ({ p50Ms }) => p50Ms },
  { label: "p99", pick: ({ p99Ms }) => p99Ms },
];

const COLUMNS = [
  { label: "Node" },
  { label: "Version" },
  { label: "Up", end: true },
  { label: "Connections", end: true },
  { label: "CPU", end: true },
  { label: "Memory", end: true },
  { label: "Load", end: true },
  { label: "p50", end: true },
  { label: "p99", end: true },
  { label: "Queue", end: true },
  { label: "Bus lag", end: true },
  { label: "Outbox", end: true },
  { label: "Seen", end: true },
];

/** All processes, live. */
export function Overview() {
  const { value, error, atMs } = usePolled(admin.nodes, EVERY_MS);
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  useEffect(() => {
    if (value) setSamples((before) => appended(before, sampleOf(value.nodes, atMs)));
  }, [value, atMs]);
  const nodes = [...(value?.nodes ?? [])].sort((a, b) => a.role.localeCompare(b.role) || a.name.localeCompare(b.name));
  const latest = samples.at(-1);

  return (
    <>
      <Notice>{error ? `These figures are old: ${error.message}` : null}</Notice>
      <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4">
        <Tile
          label="Nodes"
          value={value ? count(nodes.length) : "–"}
          note={told(nodes.filter((node) => node.draining).length)}
        />
        <Tile label="Connections" value={count(latest?.connections)} />
        <Tile label="Sends per second" value={count(latest?.sendsPerS)} />
        <Tile label="Slowest p99" value={span(latest?.p99Ms)} />
      </dl>
      <Card title="Throughput and latency">
        <div className="flex flex-col gap-6 lg:flex-row">
          <Chart title="Throughput" lines={THROUGHPUT} samples={samples} nowMs={atMs} format={count} />
          <Chart title="Latency, slowest node" lines={LATENCY} samples={samples} nowMs={atMs} format={span} />
        </div>
      </Card>
      <Card
        title="Nodes"
        end={
          <span data-testid={adminTestids.live} data-state={error ? "old" : "live"} className="text-muted text-sm">
            {value ? `every ${span(EVERY_MS)}` : "waiting"}
          </span>
        }
      >
        <Table caption="Nodes" columns={COLUMNS}>
          {nodes.map((node) => (
            <NodeRow key={node.id} node={node} nowMs={atMs} />
          ))}
        </Table>
      </Card>
    </>
  );
}

function told(draining: number): string | undefined {
  return draining ? `${draining} draining` : undefined;
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
  const { metrics } = node;
  const load = metrics.sendsPerS ?? metrics.pushesPerS ?? metrics.framesPerS;
  return (
    <Row testid={adminTestids.node} name={node.name}>
      <Cell>
        <span className="flex items-center gap-2" title={node.address}>
          <span className="rounded-md bg-sunken px-1.5 py-0.5 text-muted text-xs">{node.role}</span>
          <span className="font-medium">{node.name}</span>
          {node.draining ? (
            <span className="rounded-md bg-warn-soft px-1.5 py-0.5 text-warn text-xs">draining</span>
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
      <Cell end>{load === undefined ? "–" : `${count(load)}/s`}</Cell>
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
