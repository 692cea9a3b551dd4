import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";

/** What went wrong, said at once to those who listen too. Stays in the page empty, as readers need it. */
export function Notice({ children, testid }: { children: ReactNode; testid?: string }) {
  return (
    <div role="alert" className="empty:hidden">
      {children ? (
        <p
          data-testid={testid}
          className="flex items-start gap-2 rounded-lg bg-danger-soft px-3 py-2 text-danger text-sm"
        >
          <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
          <span>{children}</span>
        </p>
      ) : null}
    </div>
  );
}
