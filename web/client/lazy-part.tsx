"use client";

import { Component, type ComponentType, lazy, type ReactNode } from "react";
import { Loader, NotLoaded } from "@/lib/loader";
import { NotLoadedNote } from "./not-loaded";

interface BoundaryProps {
  draw: () => ReactNode;
  /** What comes next is asked for anew. */
  onFailed: () => void;
  onAgain: () => void;
  onClose?: () => void;
}

/** Catches that a part did not come. What is broken is left to others. */
class Boundary extends Component<BoundaryProps, { error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  // Not before: what is drawn again while it is caught has to fail in the same way.
  override componentDidCatch() {
    this.props.onFailed();
  }

  override render() {
    const { draw, onAgain, onClose } = this.props;
    const error: unknown = this.state.error;
    if (error === null) return draw();
    if (!(error instanceof NotLoaded)) throw error;
    const again = () => {
      onAgain();
      this.setState({ error: null });
    };
    return <NotLoadedNote onAgain={again} onClose={onClose} />;
  }
}

type Load<P> = () => Promise<{ default: ComponentType<P> }>;

/** A part of the page that is fetched when it is first drawn. One that does not come says so, and can be asked for again. */
export function lazyPart<P extends object>(load: Load<P>, closeOf?: (props: P) => () => void): ComponentType<P> {
  const loader = new Loader(load);
  const anew = () => lazy(loader.load) as ComponentType<P>;
  let Part = anew();
  return (props) => (
    <Boundary
      draw={() => <Part {...props} />}
      onFailed={() => {
        Part = anew();
      }}
      onAgain={() => {
        if (loader.isStale(navigator.onLine)) location.reload();
      }}
      onClose={closeOf?.(props)}
    />
  );
}

/** The same of a window over the page: what is said of it can be closed in its place. */
export const lazyWindow = <P extends { onClose: () => void }>(load: Load<P>) =>
  lazyPart(load, ({ onClose }) => onClose);
