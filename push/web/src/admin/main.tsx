import { render } from "preact";
import "../ui/tokens.css";

render(<h1>Admin · Switchroom</h1>, document.getElementById("app")!);
