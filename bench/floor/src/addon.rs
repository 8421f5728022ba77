//! A Node-API addon that does nothing, and one that only copies or adds up: the least that a native
//! call can cost.

use napi_sys as sys;
use std::ffi::c_void;
use std::ptr;

/// A call that looks at nothing and answers `undefined`.
unsafe extern "C" fn noop(_: sys::napi_env, _: sys::napi_callback_info) -> sys::napi_value {
    ptr::null_mut()
}

/// `copy(target, offset, source)`: copies all of `source`; whether there was room.
unsafe extern "C" fn copy(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: both belong to this call.
    let arguments = unsafe { arguments(env, info) };
    // SAFETY: as above.
    let (target, source) = unsafe { (bytes(env, arguments[0]), bytes(env, arguments[2])) };
    let mut offset = 0u32;
    // SAFETY: as above; the target is writable.
    let status = unsafe { sys::napi_get_value_uint32(env, arguments[1], &mut offset) };
    let fits = status == sys::Status::napi_ok
        && target.1.checked_sub(offset as usize).is_some_and(|room| source.1 <= room);
    if fits && source.1 > 0 {
        // SAFETY: both ranges are JavaScript's memory, and the room was checked just now.
        unsafe { ptr::copy(source.0, target.0.add(offset as usize), source.1) };
    }
    let mut value = ptr::null_mut();
    // SAFETY: `env` belongs to this call; the target is writable.
    unsafe { sys::napi_get_boolean(env, fits, &mut value) };
    value
}

/// `sum(source)`: reads every byte once, eight at a time, and answers something that depends on all.
unsafe extern "C" fn sum(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: both belong to this call.
    let (at, length) = unsafe { bytes(env, arguments(env, info)[0]) };
    let mut total = 0u64;
    for word in 0..length / 8 {
        // SAFETY: inside the range that Node gave; the bytes may stand at any address.
        total = total.wrapping_add(unsafe { at.cast::<u64>().add(word).read_unaligned() });
    }
    let mut value = ptr::null_mut();
    // SAFETY: `env` belongs to this call; the target is writable.
    unsafe { sys::napi_create_uint32(env, (total ^ (total >> 32)) as u32, &mut value) };
    value
}

/// # Safety
/// `env` and `info` belong to the running call.
unsafe fn arguments(env: sys::napi_env, info: sys::napi_callback_info) -> [sys::napi_value; 3] {
    let mut arguments = [ptr::null_mut(); 3];
    let mut count = arguments.len();
    let none = ptr::null_mut();
    // SAFETY: the caller's promise; `count` says how many there is room for.
    unsafe {
        sys::napi_get_cb_info(env, info, &mut count, arguments.as_mut_ptr(), none, none.cast())
    };
    arguments
}

/// Where the bytes of a `Uint8Array` are; none for anything else.
///
/// # Safety
/// `env` and `value` belong to the running call.
unsafe fn bytes(env: sys::napi_env, value: sys::napi_value) -> (*mut u8, usize) {
    let (mut kind, mut length, mut offset) = (0, 0, 0);
    let (mut data, mut buffer) = (ptr::null_mut::<c_void>(), ptr::null_mut());
    // SAFETY: the caller's promise; the targets are writable. Node checks that it is a typed array.
    let status = unsafe {
        sys::napi_get_typedarray_info(
            env,
            value,
            &mut kind,
            &mut length,
            &mut data,
            &mut buffer,
            &mut offset,
        )
    };
    let is = status == sys::Status::napi_ok && kind == sys::TypedarrayType::uint8_array;
    if is { (data.cast(), length) } else { (ptr::null_mut(), 0) }
}

/// Node calls it when the addon is loaded.
///
/// # Safety
/// For Node alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn napi_register_module_v1(
    env: sys::napi_env,
    exports: sys::napi_value,
) -> sys::napi_value {
    let table: [(&std::ffi::CStr, sys::napi_callback); 3] =
        [(c"noop", Some(noop)), (c"copy", Some(copy)), (c"sum", Some(sum))];
    for (name, callback) in table {
        let mut function = ptr::null_mut();
        // SAFETY: `env` and `exports` are Node's; the names end with a zero and outlive the calls.
        unsafe {
            let length = name.count_bytes().cast_signed();
            let none = ptr::null_mut();
            sys::napi_create_function(env, name.as_ptr(), length, callback, none, &mut function);
            sys::napi_set_named_property(env, exports, name.as_ptr(), function);
        }
    }
    exports
}
