//! Objects of this user, for this user alone.

use crate::error::{Error, OsError, Result};
use std::ffi::c_void;
use std::os::windows::io::{AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::OnceLock;
use windows_sys::Win32::Foundation::{HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    EqualSid, GetKernelObjectSecurity, GetSecurityDescriptorOwner, GetTokenInformation,
    OWNER_SECURITY_INFORMATION, PSID, SECURITY_ATTRIBUTES, TOKEN_INFORMATION_CLASS, TOKEN_OWNER,
    TOKEN_QUERY, TOKEN_USER, TokenOwner, TokenUser,
};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleA, GetProcAddress};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// The system's information about this process's user, in 8-byte words as the system requires.
struct Identity {
    user: Vec<u64>,
    /// The default owner of the objects that this process creates: a group, for an administrator.
    owner: Vec<u64>,
    /// A security descriptor that lets in only the user. It is never freed.
    descriptor: *mut c_void,
}

// SAFETY: read-only once it is made.
unsafe impl Send for Identity {}
// SAFETY: as above.
unsafe impl Sync for Identity {}

impl Identity {
    fn user(&self) -> PSID {
        // SAFETY: the system filled in a `TOKEN_USER`, whose pointer leads into the same memory.
        unsafe { (*self.user.as_ptr().cast::<TOKEN_USER>()).User.Sid }
    }

    fn owner(&self) -> PSID {
        // SAFETY: as above, for a `TOKEN_OWNER`.
        unsafe { (*self.owner.as_ptr().cast::<TOKEN_OWNER>()).Owner }
    }
}

fn identity() -> Result<&'static Identity> {
    static IDENTITY: OnceLock<std::result::Result<Identity, OsError>> = OnceLock::new();
    IDENTITY.get_or_init(read_identity).as_ref().map_err(|os| Error::Access {
        id: "this process's user".into(),
        reason: "the system does not tell who it is",
        os: Some(*os),
    })
}

fn read_identity() -> std::result::Result<Identity, OsError> {
    let mut token: HANDLE = ptr::null_mut();
    // SAFETY: the pseudo handle is always valid; the target is writable.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(OsError::last("OpenProcessToken"));
    }
    // SAFETY: a handle that was opened just now and has no other owner.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    let user = token_information(&token, TokenUser)?;
    let owner = token_information(&token, TokenOwner)?;
    let mut identity = Identity { user, owner, descriptor: ptr::null_mut() };
    let user = sid_text(identity.user())?;
    let text: Vec<u16> = format!("O:{user}D:P(A;;GA;;;{user})\0").encode_utf16().collect();
    // SAFETY: the text ends with a NUL; the target is writable.
    let made = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            text.as_ptr(),
            SDDL_REVISION_1,
            &raw mut identity.descriptor,
            ptr::null_mut(),
        )
    };
    if made == 0 {
        return Err(OsError::last("ConvertStringSecurityDescriptorToSecurityDescriptorW"));
    }
    Ok(identity)
}

fn token_information(
    token: &OwnedHandle,
    class: TOKEN_INFORMATION_CLASS,
) -> std::result::Result<Vec<u64>, OsError> {
    // Room for the structure and the longest security identifier.
    let mut room = vec![0u64; 32];
    let size = u32::try_from(size_of_val(room.as_slice())).unwrap_or(0);
    let mut used = 0;
    // SAFETY: the token is open; the target is writable for the size that is given.
    let done = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            class,
            room.as_mut_ptr().cast(),
            size,
            &raw mut used,
        )
    };
    if done == 0 { Err(OsError::last("GetTokenInformation")) } else { Ok(room) }
}

fn sid_text(sid: PSID) -> std::result::Result<String, OsError> {
    let mut text: *mut u16 = ptr::null_mut();
    // SAFETY: `sid` is a security identifier; the target is writable.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return Err(OsError::last("ConvertSidToStringSidW"));
    }
    let mut units = Vec::new();
    // SAFETY: the system made a text that ends with a NUL, to be freed with `LocalFree`, once.
    unsafe {
        let mut at = text;
        while *at != 0 {
            units.push(*at);
            at = at.add(1);
        }
        LocalFree(text.cast());
    }
    Ok(String::from_utf16_lossy(&units))
}

/// The attributes of a new object: for this user alone, and not inherited by child processes.
pub(super) fn attributes() -> Result<SECURITY_ATTRIBUTES> {
    Ok(SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
        lpSecurityDescriptor: identity()?.descriptor,
        bInheritHandle: 0,
    })
}

/// Whether an object belongs to this user. The handle may read its security descriptor.
pub(super) fn is_ours(object: BorrowedHandle<'_>) -> Result<bool> {
    let identity = identity()?;
    let mut room = [0u64; 64];
    let size = u32::try_from(size_of_val(&room)).unwrap_or(0);
    let (mut used, mut owner, mut defaulted) = (0, ptr::null_mut(), 0);
    let descriptor = room.as_mut_ptr().cast::<c_void>();
    // SAFETY: the handle is open; the targets are writable, `descriptor` for the size that is given, and the
    // second call reads what the first one wrote.
    unsafe {
        let what = OWNER_SECURITY_INFORMATION;
        let handle = object.as_raw_handle();
        if GetKernelObjectSecurity(handle, what, descriptor, size, &raw mut used) == 0
            || GetSecurityDescriptorOwner(descriptor, &raw mut owner, &raw mut defaulted) == 0
        {
            return Ok(false);
        }
    }
    // SAFETY: all three are security identifiers in memory that lives on.
    let ours = |sid| unsafe { EqualSid(owner, sid) != 0 };
    if owner.is_null() {
        return Ok(is_wine());
    }
    Ok(ours(identity.user()) || ours(identity.owner()))
}

/// Whether this is Wine, where all programs belong to one user, and an object that was created without an
/// explicit owner has none. Windows gives every object an owner.
fn is_wine() -> bool {
    // SAFETY: both names end with a NUL; the library is in every process.
    unsafe {
        let library = GetModuleHandleA(c"ntdll.dll".as_ptr().cast());
        !library.is_null() && GetProcAddress(library, c"wine_get_version".as_ptr().cast()).is_some()
    }
}
