/* SPDX-License-Identifier: Apache-2.0 */
// texts.js - every text of the playground: English, Chinese as written in China, and in Taiwan.
"use strict";
const LANGUAGES = ["en", "zh-CN", "zh-TW"];
const texts = {
  title: ["The playground", "游乐场", "遊樂場"],
  intro: [
    "The library itself, in this page. Drag the start, move a slider, write a schedule.",
    "Ravine 的代码就在这个网页里运行。拖动起点，移动滑块，改写学习率计划。",
    "Ravine 的程式碼就在這個網頁裡執行。拖曳起點，移動滑桿，改寫學習率排程。",
  ],
  language: ["中文", "繁體中文", "English"],
  surface: ["Surface", "损失面", "損失曲面"],
  steps: ["Steps", "步数", "步數"],
  start: ["Start", "起点", "起點"],
  figure: ["Figure of the lecture", "课堂上的图", "課堂上的圖"],
  own: ["your own", "自定义", "自訂"],
  add: ["Add a run", "再加一个", "再加一個"],
  remove: ["Remove", "删除", "移除"],
  rule: ["Rule", "优化器", "最佳化器"],
  schedule: ["Schedule of lr", "学习率计划", "學習率排程"],
  constant: ["constant", "不变", "固定"],
  more: ["All settings", "全部设置", "全部設定"],
  play: ["Play", "播放", "播放"],
  pause: ["Pause", "暂停", "暫停"],
  back: ["One step back", "后退一步", "後退一步"],
  forward: ["One step on", "前进一步", "前進一步"],
  step: ["step", "步", "步"],
  link: ["Copy the link", "复制链接", "複製連結"],
  copied: ["Copied", "已复制", "已複製"],
  loss: ["loss above the least", "超出最低值的损失", "超出最低值的損失"],
  plainLoss: ["loss", "损失", "損失"],
  sigma: ["σ of each coordinate", "每个坐标的 σ", "每個座標的 σ"],
  momentum: ["size of m, of each coordinate", "每个坐标的 m（绝对值）", "每個座標的 m（絕對值）"],
  eta: ["learning rate η", "学习率 η", "學習率 η"],
  sharpness: [
    "η S: above its limit (dashed) a step is thrown out",
    "η S：超过虚线（极限）就会被甩出去",
    "η S：超過虛線（極限）就會被甩出去",
  ],
  doctor: ["The doctor, at this step", "此刻医生怎么说", "此刻醫生怎麼說"],
  waiting: ["nothing yet", "还没有结论", "還沒有結論"],
  plane: [
    "The loss over the first two coordinates. Arrow keys move the start.",
    "前两个坐标上的损失面。方向键可以移动起点。",
    "前兩個座標上的損失曲面。方向鍵可以移動起點。",
  ],
  first: ["solid: first coordinate; dashed: second", "实线：第一个坐标；虚线：第二个", "實線：第一個座標；虛線：第二個"],
};
