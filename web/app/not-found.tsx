import { Logo } from "@/parts/logo";

export default function NotFound() {
  return (
    <main className="flex h-dvh flex-col items-center justify-center gap-4 px-6 text-center">
      <Logo className="size-12 text-accent" />
      <h1 className="font-semibold text-lg">There is nothing here. 这里什么也没有。</h1>
      <a href="/" className="font-medium text-accent underline underline-offset-2">
        Oort
      </a>
    </main>
  );
}
