import { useEffect } from "preact/hooks";
import { isFleeting } from "../agent/commands";
import { Unreachable } from "../api/http";
import { session } from "../api/session";
import { t } from "../i18n";
import { Beside, Dialog } from "../ui/Dialog";
import { SignInPage } from "../ui/SignIn";
import { sayError, Toasts } from "../ui/toast";
import { Why } from "../ui/Why";
import { closeDialog, dialog } from "./acts";
import { Conversation } from "./Conversation";
import { ConnectionBar } from "./ConnectionBar";
import { sweepDrafts } from "./drafts";
import { Header, Notice } from "./Header";
import { ItemList } from "./ItemList";
import { startKeys } from "./keys";
import { NewCase } from "./NewCase";
import { NotForMeDialog } from "./NotForMe";
import { docked, Offers } from "./Offers";
import { Palette } from "./Palette";
import { Peers } from "./Peers";
import { opened as peersOpen, startPeers } from "./peers";
import { startRinging } from "./ringing";
import { route } from "./route";
import { KeySheet } from "./KeySheet";
import { connect, disconnect, nudge, pending } from "./store";
import { CallbackDialog, PromiseDialog } from "./Owed";
import { MergeDialog, SeparateDialog, SplitDialog } from "./Ties";
import { TransferDialog } from "./TransferDialog";
import "./layout.css";

let started = false;

function startOnce(): void {
  if (started) return;
  started = true;
  sweepDrafts();
  startKeys();
  startRinging();
  startPeers();
  addEventListener("online", nudge);
  // a reload keeps what is not sent yet, closing the tab would not
  addEventListener("beforeunload", (event) => {
    if (pending.peek().some((command) => !isFleeting(command))) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") nudge();
  });
}

export function App() {
  const token = session.value?.token;
  useEffect(() => {
    if (!token) return;
    startOnce();
    let retry: ReturnType<typeof setTimeout> | undefined;
    // before the first answer of the node there are no addresses to reconnect to
    const begin = () =>
      connect(token).catch((error: unknown) => {
        if (session.peek()?.token !== token) return;
        if (!(error instanceof Unreachable)) sayError(error);
        retry = setTimeout(begin, 2000 + Math.random() * 2000);
      });
    void begin();
    return () => {
      clearTimeout(retry);
      disconnect();
    };
  }, [token]);

  if (!token) {
    return (
      <>
        <SignInPage what={t("desktop")} />
        <Toasts />
      </>
    );
  }
  return (
    <div class="desk" data-open={route.value.kind === "none" ? undefined : true}>
      <a class="skip" href="#conversation">
        {t("skip")}
      </a>
      <Header />
      <ConnectionBar />
      <Notice />
      <div class="columns" data-peers={peersOpen.value ? true : undefined}>
        <ItemList />
        <Conversation />
        <Peers />
      </div>
      {dialog.value.kind === "none" && !docked.value && <Offers />}
      <Beside.Provider value={<Offers />}>
        <OpenDialog />
      </Beside.Provider>
      <Toasts />
    </div>
  );
}

function OpenDialog() {
  const open = dialog.value;
  switch (open.kind) {
    case "keys":
      return <KeySheet onClose={closeDialog} />;
    case "new":
      return <NewCase onClose={closeDialog} />;
    case "transfer":
      return <TransferDialog item={open.item} onClose={closeDialog} />;
    case "why":
      return (
        <Dialog title={`${t("why.title")} – #${open.item.number}`} onClose={closeDialog}>
          <Why item={open.item.id} version={open.item.version} />
        </Dialog>
      );
    case "promise":
      return <PromiseDialog item={open.item} onClose={closeDialog} />;
    case "callback":
      return <CallbackDialog item={open.item} onClose={closeDialog} />;
    case "not_for_me":
      return <NotForMeDialog offer={open.offer} onClose={closeDialog} />;
    case "merge":
      return <MergeDialog number={open.number} customer={open.customer} onClose={closeDialog} />;
    case "split":
      return <SplitDialog number={open.number} queue={open.queue} onClose={closeDialog} />;
    case "separate":
      return <SeparateDialog number={open.number} gone={open.gone} onClose={closeDialog} />;
    case "palette":
      return <Palette item={open.item} onClose={closeDialog} />;
    case "none":
      return null;
  }
}
