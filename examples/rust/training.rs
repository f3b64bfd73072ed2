// SPDX-License-Identifier: Apache-2.0
//! Ravine from Rust, without a crate: the C functions as they are, and a doctor beside the training.
//!
//!     rustc --edition 2021 -O training.rs -L PREFIX/lib -l ravine -C link-arg=-Wl,-rpath,PREFIX/lib
//!
//! A struct that the library fills says its size first. Of one whose members this program does not
//! read it needs no more than room: docs/abi.md says what a struct that is larger than the library's
//! own means. Settings and schedules have a text form, so that none of theirs is needed either.

use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};

const F64: i32 = 2;
const LR: c_int = 0;

/// Room for a struct of the library's, whose first number is its size.
#[repr(C, align(8))]
struct Room<const N: usize>([u8; N]);

impl<const N: usize> Room<N> {
    fn new() -> Self {
        let mut bytes = [0; N];
        bytes[..4].copy_from_slice(&(N as u32).to_ne_bytes());
        Room(bytes)
    }
}

#[repr(C)]
struct Env {
    size: u32,
    threads: i32,
    isa: *const c_char,
    statistics: i32,
    reserved: i32,
    functions: [*mut c_void; 5], // memory and threads of your own
}

#[repr(C)]
struct Param {
    size: u32,
    dtype: i32,
    grad_dtype: i32,
    group: i32,
    name: *const c_char,
    data: *mut f64,
    grad: *mut f64,
    len: i64,
    shape: *const i64,
    ndim: i32,
    reserved: i32,
}

type Config = Room<1024>;
type Schedule = Room<2048>;
type Stats = Room<512>;
type Diagnosis = Room<12288>;

#[repr(C)]
struct Optimizer([u8; 0]);
#[repr(C)]
struct Doctor([u8; 0]);

#[link(name = "ravine")]
extern "C" {
    fn ravine_errmsg() -> *const c_char;
    fn ravine_env_init_sized(env: *mut Env, size: usize);
    fn ravine_config_parse_sized(config: *mut Config, size: usize, text: *const c_char) -> c_int;
    fn ravine_schedule_parse_sized(s: *mut Schedule, size: usize, text: *const c_char) -> c_int;
    fn ravine_create(out: *mut *mut Optimizer, config: *const Config, env: *const Env) -> c_int;
    fn ravine_destroy(optimizer: *mut Optimizer);
    fn ravine_add(optimizer: *mut Optimizer, params: *const Param, count: i64) -> c_int;
    fn ravine_set_schedule(
        o: *mut Optimizer,
        group: i32,
        setting: c_int,
        s: *const Schedule,
    ) -> c_int;
    fn ravine_step(optimizer: *mut Optimizer, stats: *mut Stats) -> c_int;
    fn ravine_doctor_create(
        out: *mut *mut Doctor,
        options: *const c_void,
        env: *const Env,
    ) -> c_int;
    fn ravine_doctor_destroy(doctor: *mut Doctor);
    fn ravine_doctor_observe(doctor: *mut Doctor, optimizer: *const Optimizer, loss: f64) -> c_int;
    fn ravine_doctor_diagnose(doctor: *const Doctor, diagnosis: *mut Diagnosis) -> c_int;
    fn ravine_diagnosis_sentence(
        diagnosis: *const Diagnosis,
        language: *const c_char,
        text: *mut c_char,
        capacity: usize,
        length: *mut usize,
    ) -> c_int;
}

/// What the library says of its last error.
fn check(status: c_int) -> Result<(), String> {
    if status >= 0 {
        return Ok(());
    }
    Err(unsafe { CStr::from_ptr(ravine_errmsg()) }
        .to_string_lossy()
        .into_owned())
}

/// An optimizer with a doctor beside it. It keeps the addresses of what it trains, so it owns that.
struct Training {
    optimizer: *mut Optimizer,
    doctor: *mut Doctor,
    place: Box<[f64]>,
    gradient: Box<[f64]>,
}

impl Training {
    fn new(rule: &str, schedule: &str, place: Vec<f64>) -> Result<Self, String> {
        let mut t = Training {
            optimizer: null_mut(),
            doctor: null_mut(),
            gradient: vec![0.0; place.len()].into(),
            place: place.into(),
        };
        let (rule, schedule) = (CString::new(rule).unwrap(), CString::new(schedule).unwrap());
        let name = CString::new("place").unwrap();
        let parameter = Param {
            size: std::mem::size_of::<Param>() as u32,
            dtype: F64,
            grad_dtype: 0,
            group: 0,
            name: name.as_ptr(),
            data: t.place.as_mut_ptr(),
            grad: t.gradient.as_mut_ptr(),
            len: t.place.len() as i64,
            shape: null(),
            ndim: 0,
            reserved: 0,
        };
        let (mut config, mut s) = (Config::new(), Schedule::new());
        unsafe {
            let mut env: Env = std::mem::zeroed();
            ravine_env_init_sized(&mut env, std::mem::size_of::<Env>());
            env.statistics = 1; // for the doctor
            check(ravine_config_parse_sized(
                &mut config,
                config.0.len(),
                rule.as_ptr(),
            ))?;
            check(ravine_schedule_parse_sized(
                &mut s,
                s.0.len(),
                schedule.as_ptr(),
            ))?;
            check(ravine_create(&mut t.optimizer, &config, &env))?;
            check(ravine_add(t.optimizer, &parameter, 1))?;
            check(ravine_set_schedule(t.optimizer, 0, LR, &s))?;
            check(ravine_doctor_create(&mut t.doctor, null(), null()))?;
        }
        Ok(t)
    }

    /// A ravine, 100 times steeper across than along: its loss, and a step.
    fn step(&mut self) -> Result<f64, String> {
        self.gradient[0] = self.place[0];
        self.gradient[1] = 100.0 * self.place[1];
        let loss = self
            .place
            .iter()
            .zip(&self.gradient[..])
            .map(|(x, g)| x * g)
            .sum::<f64>()
            / 2.0;
        let mut stats = Stats::new();
        unsafe {
            check(ravine_step(self.optimizer, &mut stats))?;
            check(ravine_doctor_observe(self.doctor, self.optimizer, loss))?;
        }
        Ok(loss)
    }

    /// What holds it up, and what to do, in words of every day.
    fn diagnosis(&self) -> Result<String, String> {
        let mut text = [0 as c_char; 768];
        let (mut d, english) = (Diagnosis::new(), CString::new("en").unwrap());
        unsafe {
            check(ravine_doctor_diagnose(self.doctor, &mut d))?;
            let (room, length) = (text.as_mut_ptr(), text.len());
            check(ravine_diagnosis_sentence(
                &d,
                english.as_ptr(),
                room,
                length,
                null_mut(),
            ))?;
            Ok(CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned())
        }
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        unsafe {
            ravine_doctor_destroy(self.doctor);
            ravine_destroy(self.optimizer);
        }
    }
}

fn train(rule: &str, schedule: &str) -> Result<(), String> {
    println!("{rule}, lr {schedule}");
    let mut training = Training::new(rule, schedule, vec![1.0, 1.0])?;
    for step in 0..300 {
        let loss = training.step()?;
        if step % 100 == 0 {
            println!("step {step:3}  loss {loss:.6}");
        }
    }
    println!(
        "at the end  loss {:.6}\n{}\n",
        training.step()?,
        training.diagnosis()?
    );
    Ok(())
}

fn main() -> Result<(), String> {
    if let Err(words) = train("sgd lr=a_lot", "0.1") {
        println!("a mistake, in the library's words: {words}\n");
    }
    train("sgd", "0.02")?;
    train("adamw", "warmup(20) cosine(280) lr=0.1")
}
