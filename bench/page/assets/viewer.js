"use strict";
(() => {
  const packed = document.getElementById("niivue");
  const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const hasWebGL2 = () => {
    const context = document.createElement("canvas").getContext("webgl2");
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    return Boolean(context);
  };
  if (!packed || !("DecompressionStream" in globalThis) || !hasWebGL2()) return;

  const unpacked = (content) =>
    new Response(new Blob([content]).stream().pipeThrough(new DecompressionStream("gzip")));
  let loading = null;
  const load = () => {
    loading ??= unpacked(bytes(packed.textContent.trim())).text().then((text) => {
      const script = document.createElement("script");
      script.textContent = text;
      document.head.append(script);
      return globalThis.niivue;
    });
    return loading;
  };

  const panel = document.getElementById("viewer");
  const canvas = panel.querySelector("canvas");
  const said = panel.querySelector("output");
  const heats = panel.querySelector("select");
  const opacity = panel.querySelector("input[type=range]");
  const outline = panel.querySelector("input[type=checkbox]");
  const first = JSON.parse(panel.dataset.window);
  let viewer = null;
  let volumes = null;
  let opener = null;

  const volume = async (library, text, name, colormap, alpha, low, high) =>
    library.NVImage.new(
      await unpacked(bytes(text)).arrayBuffer(), `${name}.nii`, colormap, alpha, null, low, high,
    );

  const tell = () => {
    if (!viewer.volumes.length) return;
    const {cal_min: low, cal_max: high} = viewer.volumes[0];
    const [x, y, z] = viewer.frac2vox(viewer.scene.crosshairPos).map((place) => Math.round(place) + 1);
    said.textContent = `Slices: axial ${z}, coronal ${y}, sagittal ${x}. Window: ${Math.round(low)} to ${Math.round(high)}.`;
  };
  const start = async (library) => {
    viewer = new library.Niivue({
      backColor: [0, 0, 0, 1], isRadiologicalConvention: true, isNearestInterpolation: true,
      crosshairColor: [0.34, 0.71, 0.91, 0.9], crosshairWidth: 0.2, dragAndDropEnabled: false,
      logLevel: "error", loadingText: "", multiplanarForceRender: false, multiplanarShowRender: 0,
      multiplanarPadPixels: 4, scrollRequiresFocus: true, isOrientationTextVisible: true, sagittalNoseLeft: true,
    });
    await viewer.attachToCanvas(canvas);
    const narrow = panel.clientWidth < 600;
    panel.classList.toggle("narrow", narrow);
    viewer.setMultiplanarLayout(narrow ? 2 : 3);
    viewer.onLocationChange = tell;
    viewer.addColormap("lesion", {R: [240, 240], G: [228, 228], B: [66, 66], A: [0, 255], I: [0, 255]});
  };

  const overlay = async () => {
    const library = await load();
    for (const one of viewer.volumes.slice(1)) viewer.removeVolume(one);
    const chosen = volumes.heats[heats.selectedIndex - 1];
    if (chosen) {
      const heat = await volume(library, chosen.volume, "heat", "inferno", Number(opacity.value), 180, 255);
      heat.colormapType = 1; // the fainter the less heat there is, below the first limit
      viewer.addVolume(heat);
    }
    if (outline.checked) {
      viewer.addVolume(await volume(library, volumes.outline, "outline", "lesion", 1, 0, 1));
    }
    viewer.updateGLVolume();
  };

  const open = async (article, button) => {
    opener = button;
    article.querySelector(".shown").before(panel);
    panel.hidden = false;
    document.querySelectorAll("article.open").forEach((one) => one.classList.remove("open"));
    article.classList.add("open");
    panel.querySelector("strong").textContent = article.querySelector("h3").textContent;
    said.textContent = "Loading.";
    const library = await load();
    if (!viewer) await start(library);
    volumes = JSON.parse(article.querySelector("script.volumes").textContent);
    heats.replaceChildren(...["no map", ...volumes.heats.map((one) => one.name)].map((name) => new Option(name)));
    heats.selectedIndex = volumes.heats.length ? 1 : 0;
    for (const label of panel.querySelectorAll("label.heat")) label.hidden = !volumes.heats.length;
    for (const one of [...viewer.volumes].reverse()) viewer.removeVolume(one);
    viewer.addVolume(await volume(library, volumes.image, "crop", "gray", 1, ...first));
    await overlay();
    viewer.resizeListener();
    viewer.drawScene();
    canvas.focus({preventScroll: true});
    panel.scrollIntoView({block: "nearest"});
    tell();
    panel.dataset.shows = article.dataset.name;
  };
  const close = () => {
    panel.hidden = true;
    document.querySelectorAll("article.open").forEach((one) => one.classList.remove("open"));
    delete panel.dataset.shows;
    opener?.focus();
  };

  const rewindow = (shift, stretch) => {
    const image = viewer.volumes[0];
    const [middle, half] = [(image.cal_min + image.cal_max) / 2 + shift, ((image.cal_max - image.cal_min) / 2) * stretch];
    [image.cal_min, image.cal_max] = [middle - Math.max(half, 1), middle + Math.max(half, 1)];
    viewer.updateGLVolume();
    tell();
  };
  const keys = {
    ArrowUp: () => viewer.moveCrosshairInVox(0, 0, 1), ArrowDown: () => viewer.moveCrosshairInVox(0, 0, -1),
    // The right of the patient is on the left of the screen.
    ArrowLeft: () => viewer.moveCrosshairInVox(1, 0, 0), ArrowRight: () => viewer.moveCrosshairInVox(-1, 0, 0),
    PageUp: () => viewer.moveCrosshairInVox(0, 1, 0), PageDown: () => viewer.moveCrosshairInVox(0, -1, 0),
    "+": () => rewindow(0, 0.9), "-": () => rewindow(0, 1 / 0.9), "[": () => rewindow(4, 1), "]": () => rewindow(-4, 1),
    Escape: close,
  };
  canvas.addEventListener("keydown", (event) => {
    // Keys with Ctrl, Alt or Meta, and Tab, are the browser's.
    if (event.ctrlKey || event.altKey || event.metaKey || event.key === "Tab") return;
    event.stopImmediatePropagation();
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  }, true);
  canvas.addEventListener("pointerup", () => setTimeout(tell, 50));
  heats.addEventListener("change", overlay);
  opacity.addEventListener("input", overlay);
  outline.addEventListener("change", overlay);
  panel.querySelector("button").addEventListener("click", close);
  for (const article of document.querySelectorAll("article:has(script.volumes)")) {
    const button = article.querySelector("button.inside");
    button.hidden = false;
    button.addEventListener("click", () => open(article, button));
  }
})();
